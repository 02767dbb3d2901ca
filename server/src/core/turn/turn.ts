import { onDigit, onDigitTimeout } from './on-digit.ts';
import { onConfirmationTimeout, onProgressTimeout, onReply, onReplyCut } from './on-reply.ts';
import {
  finishUtterance,
  onBargeInDeadline,
  onEndOfTurn,
  onInterim,
  onRecognised,
  onRecognitionFailed,
  onRecognitionTimeout,
} from './on-speech.ts';
import { onMediaEnded, onTransferFailed, onTransferTimeout } from './on-transfer.ts';
import { onVoiceWindow } from './on-voice.ts';
import type { Step } from './transitions.ts';
import { after, ask, close, end, listen, say, stay } from './transitions.ts';
import { startTimer } from './turn-effect.ts';
import type { StartedEvent, TimerName, TurnEvent } from './turn-event.ts';
import type { Listening, TurnState } from './turn-state.ts';

/**
 * Who has the turn, and what follows: the rules of a spoken conversation as one pure function. Audio, models and clocks
 * live in the interpreter of its effects.
 *
 * ```
 * starting -> thinking -> speaking -> listening -> hearing -> recognising -> thinking …
 *                 \          \             \-> keying (digits) -> thinking
 *                  \-> suspecting (stage one of a barge-in) -> hearing, or back
 * any -> closing (last words) -> ended        speaking -> transferring -> ended, or thinking
 * any -> ended
 * ```
 *
 * Events that mean nothing in a state change nothing: late and repeated ones do no harm.
 */
export function step(state: TurnState, event: TurnEvent): Step {
  if (state.name === 'ended') return stay(state);
  switch (event.type) {
    case 'started':
      return onStarted(state, event);
    case 'voice_window':
      return onVoiceWindow(state, event);
    case 'interim':
      return onInterim(state, event);
    case 'recognised':
      return onRecognised(state, event);
    case 'recognition_failed':
      return onRecognitionFailed(state, event);
    case 'digit':
      return onDigit(state, event);
    case 'digits_expected':
      return stay({ ...state, memory: { ...state.memory, maxDigits: event.maxDigits } });
    case 'reply_audible':
    case 'reply_progress':
    case 'reply_complete':
    case 'reply_heard':
    case 'reply_failed':
      return onReply(state, event);
    case 'reply_cut':
      return onReplyCut(state, event);
    case 'timer':
      return onTimer(state, event.name, event.atMs);
    case 'held':
      return stay({ ...state, memory: { ...state.memory, isHeld: event.isHeld } });
    case 'transferred':
      return state.name === 'transferring' ? end(state, 'transferred') : stay(state);
    case 'transfer_failed':
      return onTransferFailed(state, event);
    case 'media_ended':
      return onMediaEnded(state, event);
    case 'ended':
      return end(state, event.reason);
  }
}

function onStarted(state: TurnState, { atMs, opening = { type: 'started' } }: StartedEvent): Step {
  if (state.name !== 'starting') return stay(state);
  const longest = startTimer('max_duration', state.memory.rules.maxDurationMs);
  return after([longest], ask(state.memory, opening, atMs, null));
}

/** A timer of another state is late: it lost the race against what cancelled it. */
function onTimer(state: TurnState, name: TimerName, atMs: number): Step {
  switch (name) {
    case 'idle':
      return state.name === 'listening' ? onIdle(state, atMs) : stay(state);
    case 'digits':
      return state.name === 'keying' ? onDigitTimeout(state, atMs) : stay(state);
    case 'end_of_turn':
      return state.name === 'hearing' ? onEndOfTurn(state, atMs) : stay(state);
    case 'max_utterance':
      return state.name === 'hearing' ? finishUtterance(state, atMs) : stay(state);
    case 'recognition':
      return state.name === 'recognising' ? onRecognitionTimeout(state, atMs) : stay(state);
    case 'barge_in_decision':
      return state.name === 'suspecting' ? onBargeInDeadline(state, atMs) : stay(state);
    case 'progress':
      return isReplying(state) ? onProgressTimeout(state, atMs) : stay(state);
    case 'confirmation':
      return isReplying(state) ? onConfirmationTimeout(state, atMs) : stay(state);
    case 'transfer':
      return state.name === 'transferring' ? onTransferTimeout(state) : stay(state);
    case 'max_duration':
      return onMaxDuration(state, atMs);
  }
}

/** Asks once, then says goodbye. */
function onIdle(state: Listening, atMs: number): Step {
  const { rules, isHeld } = state.memory;
  if (isHeld) return listen(state.memory, state.idle.wasAsked, atMs);
  if (state.idle.wasAsked) return say(state.memory, rules.idleGoodbye, atMs, { type: 'end', reason: 'idle' });
  return say(state.memory, rules.idleQuestion, atMs);
}

function onMaxDuration(state: TurnState, atMs: number): Step {
  // Whoever says the last words already is done soon anyway; whoever hands the caller on may get them back.
  if (state.name === 'closing') return stay(state);
  if (state.name === 'transferring') return stay({ ...state, isOverdue: true });
  return close(state, state.memory.rules.maxDurationGoodbye, atMs, 'max_duration');
}

function isReplying(state: TurnState) {
  return (
    state.name === 'thinking' || state.name === 'speaking' || state.name === 'suspecting' || state.name === 'closing'
  );
}
