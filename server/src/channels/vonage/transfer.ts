import type { CallContext } from '../../core/call/call-context.ts';
import type { TransferFailure } from '../../core/call/transfer.ts';
import { AppError } from '../../core/errors.ts';
import type { CallTransfer, TransferOrder, TransferOutcome } from '../../core/ports/call-transfer.ts';
import type { CallChange, WebhookRequest } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { mediaLegEnded } from '../media-leg-ended.ts';
import { wasNeverSent } from '../was-never-sent.ts';
import { askVonage, VONAGE_API, type VonageAnswer } from './vonage-api.ts';

const NUMBER = /^\+?[1-9]\d{6,14}$/;
/** Marks the events of the leg that is dialled: they come to an address of their own. */
const ABOUT = 'about=transfer';
/** Vonage takes our WebSocket leg out of the call by itself; a close of ours before that would be a `disconnected`. */
const SOCKET_ENDS_WITHIN_MS = 3_000;

/**
 * Hands calls over by a new NCCO for the call in progress ("Voice API: modify an in-progress call", "NCCO: connect"). The connect is
 * synchronous, so a leg that is not answered is told to its event URL, whose answer takes over.
 */
export function vonageTransfer({ clock }: { readonly clock: Clock }, baseUrl = VONAGE_API): CallTransfer {
  return {
    objection: ({ context, credential, publicHost }) => {
      if (publicHost === null) return 'PUBLIC_ASSISTANT_HOST is not set, so Vonage could not tell how it went';
      if (credential === null) return 'there is no Vonage application for the call';
      return context.providerCallId === null ? 'the call has no uuid' : null;
    },
    transfer: async (order, signal) => {
      if (signal.aborted) return failed('cancelled', 'the caller hung up');
      const outcome = await redirect(order, signal, baseUrl);
      if (outcome.type === 'handed_over') await mediaLegEnded(signal, clock, SOCKET_ENDS_WITHIN_MS);
      return outcome;
    },
  };
}

/** The NCCO that dials. */
export function transferNcco({ context, to, ringTimeoutSeconds, publicHost }: TransferOrder): readonly object[] {
  const own = ownNumber(context);
  return [
    {
      action: 'connect',
      eventType: 'synchronous',
      eventUrl: [`https://${publicHost ?? ''}/v1/talk/vonage/ctx/${context.contextId}/event?${ABOUT}`],
      eventMethod: 'POST',
      timeout: String(ringTimeoutSeconds),
      ...(own !== null && { from: digits(own) }),
      endpoint: [{ type: 'phone', number: digits(to) }],
    },
  ];
}

/** In these states of the dialled leg Vonage takes an NCCO in the answer ("NCCO: connect", event types). */
const FAILURES: ReadonlyMap<string, TransferFailure> = new Map([
  ['busy', 'busy'],
  ['timeout', 'no_answer'],
  ['unanswered', 'no_answer'],
  ['rejected', 'rejected'],
  ['failed', 'unreachable'],
]);

/** What an event says about the leg that was dialled; null where it says nothing, or is about another one. */
export function readTransferEvent({ parameters }: WebhookRequest): CallChange | null {
  const { status = '', duration = '' } = parameters;
  // The end of a leg that was talked on says the same, should it come first; that of another one is told by its own state.
  if (status === 'answered' || (status === 'completed' && Number(duration) > 0))
    return { type: 'transfer_over', failed: null, isCallerWaiting: false };
  if (status === 'cancelled') return { type: 'transfer_over', failed: 'cancelled', isCallerWaiting: false };
  const failure = FAILURES.get(status);
  return failure === undefined ? null : { type: 'transfer_over', failed: failure, isCallerWaiting: true };
}

export function isAboutTransfer({ rawTarget }: WebhookRequest): boolean {
  return rawTarget
    .slice(rawTarget.indexOf('?') + 1)
    .split('&')
    .includes(ABOUT);
}

/** Vonage shows numbers of the account only; any other makes the caller unknown. */
function ownNumber({ direction, from, to }: CallContext): string | null {
  const own = direction === 'inbound' ? to : from;
  return own !== null && NUMBER.test(own) ? own : null;
}

async function redirect(order: TransferOrder, signal: AbortSignal, baseUrl: string): Promise<TransferOutcome> {
  const { credential, context } = order;
  if (credential === null) return failed('unreachable', 'there is no Vonage application for the call');
  const path = `/v1/calls/${encodeURIComponent(context.providerCallId ?? '')}`;
  const body = { action: 'transfer', destination: { type: 'ncco', ncco: transferNcco(order) } };
  let answer: VonageAnswer;
  try {
    // Not aborted by the signal: our leg ends, and aborts it, because Vonage has taken the request.
    answer = await askVonage(credential, { method: 'PUT', path, body, baseUrl }, new AbortController().signal);
  } catch (error) {
    // No cause: the token could not be made, so nothing was asked.
    const wasAsked = !(error instanceof AppError && error.cause === undefined) && !wasNeverSent(error);
    return wasAsked ? unknown(signal, 'no answer') : failed('unreachable', 'Vonage is not reached');
  }
  const { status } = answer;
  if (status === 204 || status === 200) return { type: 'handed_over' };
  if (status >= 500) return unknown(signal, `status ${status}`);
  // 400 and 404: there is no such call in progress, so its caller is gone.
  return failed(status === 404 ? 'cancelled' : 'unreachable', `Vonage answered ${status}`);
}

/** Whether Vonage took a request that it did not answer shows in our socket: it ends then. */
function unknown(signal: AbortSignal, why: string): TransferOutcome {
  return signal.aborted ? { type: 'handed_over' } : failed('unreachable', `Vonage: ${why}`);
}

function failed(reason: TransferFailure, detail: string): TransferOutcome {
  return { type: 'failed', reason, detail };
}

function digits(number: string): string {
  return number.replace(/^\+/, '');
}
