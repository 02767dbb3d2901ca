import { finishReply, replyOver } from './finish-reply.ts';
import type { Step } from './transitions.ts';
import { after, end, fail, hear, idleness, leaveReply, PROGRESS_LIMIT_MS, stay } from './transitions.ts';
import type { TurnEffect } from './turn-effect.ts';
import { cancelTimer, startTimer } from './turn-effect.ts';
import type { ReplyCompleteEvent, ReplyCutEvent, ReplyEvent } from './turn-event.ts';
import type { Closing, Reply, Speaking, Suspecting, Thinking, TurnState } from './turn-state.ts';

/** How long the far side may take to confirm the last audio over its own length. */
const CONFIRMATION_SLACK_MS = 2_000;

type Replying = Thinking | Speaking | Suspecting | Closing;

/** Something came of a reply. Only the present one's events matter. */
export function onReply(state: TurnState, event: ReplyEvent): Step {
  switch (state.name) {
    case 'starting':
    case 'listening':
    case 'keying':
    case 'hearing':
    case 'recognising':
    case 'transferring':
    case 'ended':
      return stay(state);
    case 'thinking':
    case 'speaking':
    case 'suspecting':
    case 'closing':
      return event.replyId === state.reply.id ? onOwnReply(state, event) : stay(state);
  }
}

/** Whether a word of a cancelled reply was heard: else what it was to answer is asked again with what comes. */
export function onReplyCut(state: TurnState, event: ReplyCutEvent): Step {
  if (state.name !== 'hearing' || !event.wasHeard) return stay(state);
  return stay({ ...state, unanswered: null });
}

/** Nothing came of a reply for a while: it has failed, unless progress moved the limit. */
export function onProgressTimeout(state: Replying, atMs: number): Step {
  const leftMs = state.memory.isHeld ? PROGRESS_LIMIT_MS : state.reply.progressAtMs + PROGRESS_LIMIT_MS - atMs;
  if (leftMs > 0) return [state, [startTimer('progress', leftMs)]];
  return failReply(state, state.reply.input === null ? 'voice' : 'brain', atMs);
}

/** The far side should have confirmed the reply by now: go on as if it had. */
export function onConfirmationTimeout(state: Replying, atMs: number): Step {
  if (state.memory.isHeld) return [state, [startTimer('confirmation', CONFIRMATION_SLACK_MS)]];
  // Paused, it cannot be confirmed: whoever decides the barge-in starts this timer again.
  if (state.name === 'suspecting') return stay(state);
  const leftMs = state.reply.confirmByMs - atMs;
  if (leftMs > 0) return [state, [startTimer('confirmation', leftMs)]];
  const note = { type: 'note', name: 'playout_unconfirmed' } as const;
  return after([note, ...leaveReply(state.reply)], finishReply(state, atMs));
}

function onOwnReply(state: Replying, event: ReplyEvent): Step {
  switch (event.type) {
    case 'reply_audible':
      return audible(state, event.atMs);
    case 'reply_progress':
      return stay(withReply(state, { progressAtMs: event.atMs }));
    case 'reply_complete':
      return complete(state, event);
    case 'reply_heard':
      return state.name === 'suspecting' ? heardWhileSuspecting(state, event.atMs) : finishReply(state, event.atMs);
    case 'reply_failed':
      return failReply(state, event.part, event.atMs);
  }
}

function audible(state: Replying, atMs: number): Step {
  const next = withReply(state, { isAudible: true, progressAtMs: atMs });
  return stay(next.name === 'thinking' ? { ...next, name: 'speaking' } : next);
}

function complete(state: Replying, event: ReplyCompleteEvent): Step {
  const { remainingMs, atMs } = event;
  // A sentence of our own has its outcome from the start.
  const outcome = state.reply.input === null ? state.reply.outcome : event.outcome;
  const confirmByMs = atMs + remainingMs + CONFIRMATION_SLACK_MS;
  const next = withReply(state, { outcome, isComplete: true, confirmByMs });
  return [next, [cancelTimer('progress'), startTimer('confirmation', confirmByMs - atMs)]];
}

/** There is nothing left to interrupt: whoever speaks now answers. Last words still wait for the decision. */
function heardWhileSuspecting(state: Suspecting, atMs: number): Step {
  const { reply, suspicion, memory } = state;
  if (reply.outcome.type !== 'listen') return stay(withReply(state, { isHeard: true }));
  const effects: TurnEffect[] = [
    cancelTimer('barge_in_decision'),
    ...replyOver(reply),
    { type: 'resume_playout' },
    { type: 'note', name: 'barge_in_outlived' },
  ];
  const idle = idleness(memory, reply.isIdleQuestion, atMs);
  return after(effects, hear(memory, suspicion.utterance, { spoken: [], unanswered: null, idle }, atMs));
}

function failReply(state: Replying, part: 'brain' | 'voice', atMs: number): Step {
  // When even the last words fail there is nothing left to say.
  if (state.name === 'closing') return end(state, state.reason);
  return fail(state, atMs, part);
}

function withReply<State extends Replying>(state: State, change: Partial<Reply>): State {
  return { ...state, reply: { ...state.reply, ...change } };
}
