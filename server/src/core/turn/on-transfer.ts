import type { Step } from './transitions.ts';
import { ask, close, end, fail, stay } from './transitions.ts';
import { startTimer } from './turn-effect.ts';
import type { MediaEndedEvent, ReplyOutcome, TransferFailedEvent } from './turn-event.ts';
import type { Transferring, TurnMemory, TurnState } from './turn-state.ts';

/** Once the media leg is gone, what became of the transfer must be known within this: a carrier's answer takes 10 s at most. */
export const TRANSFER_GRACE_MS = 15_000;
/** So many transfers may fail without a word of the caller's in between: then it is no use. */
const MOST_FAILED_TRANSFERS = 3;

/** What the assistant had to say was heard: the caller goes to somebody else. */
export function beginTransfer(memory: TurnMemory, outcome: Extract<ReplyOutcome, { readonly type: 'transfer' }>): Step {
  const { to, bookmark } = outcome;
  return [
    { name: 'transferring', memory, to, bookmark, isOverdue: false, mediaEnd: null },
    [{ type: 'transfer', to, bookmark }],
  ];
}

/** Nobody took the caller over. Who is still there is told by the brain; late for the call's end, that is made up for. */
export function onTransferFailed(state: TurnState, { reason, atMs }: TransferFailedEvent): Step {
  if (state.name !== 'transferring') return stay(state);
  if (state.mediaEnd !== null) return end(state, state.mediaEnd);
  const failedTransfers = state.memory.failedTransfers + 1;
  const memory = { ...state.memory, failedTransfers };
  if (state.isOverdue) return close(state, memory.rules.maxDurationGoodbye, atMs, 'max_duration');
  if (failedTransfers > MOST_FAILED_TRANSFERS) return fail(state, atMs, 'transfer');
  const timing = { speechEndedMs: atMs, endpointMs: atMs, recognisedMs: null };
  return ask(memory, { type: 'transfer_failed', reason, bookmark: state.bookmark }, atMs, timing);
}

/**
 * The media leg is gone. While the caller is handed over that says nothing yet: a carrier takes its own leg back when it dials,
 * before it has answered our request.
 */
export function onMediaEnded(state: TurnState, { reason }: MediaEndedEvent): Step {
  if (state.name !== 'transferring') return end(state, reason);
  if (state.mediaEnd !== null) return stay(state);
  return [{ ...state, mediaEnd: reason }, [{ type: 'abort_transfer' }, startTimer('transfer', TRANSFER_GRACE_MS)]];
}

/** Nobody said what became of the transfer, and nobody is there. */
export function onTransferTimeout(state: Transferring): Step {
  return state.mediaEnd === null ? stay(state) : end(state, state.mediaEnd);
}
