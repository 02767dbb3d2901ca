import type { Step } from './transitions.ts';
import { after, ask, leave, stay } from './transitions.ts';
import { cancelTimer, startTimer } from './turn-effect.ts';
import type { DigitEvent } from './turn-event.ts';
import type { Keying, TurnState } from './turn-state.ts';

/** A key was pressed. Keys are never an accident: they interrupt at once. */
export function onDigit(state: TurnState, event: DigitEvent): Step {
  switch (state.name) {
    case 'starting':
    case 'closing':
    case 'transferring':
    case 'ended':
      return stay(state);
    case 'keying':
      return addDigit(state, event);
    case 'listening':
    case 'hearing':
    case 'recognising':
    case 'thinking':
    case 'speaking':
    case 'suspecting': {
      if (event.digit === '#' && event.atMs < state.memory.hashIgnoredUntilMs) return stay(forgetHash(state));
      const keying: Keying = { name: 'keying', memory: state.memory, digits: '', lastDigitMs: event.atMs };
      return after(leave(state), addDigit(keying, event));
    }
  }
}

/** No further key came. */
export function onDigitTimeout(state: Keying, atMs: number): Step {
  return finishDigits(state, atMs);
}

function addDigit(state: Keying, { digit, atMs }: DigitEvent): Step {
  const { maxDigits, rules } = state.memory;
  if (digit === '#' && state.digits !== '') return finishDigits(state, atMs);
  const next: Keying = { ...state, digits: state.digits + digit, lastDigitMs: atMs };
  if (digit === '#') return finishDigits(next, atMs);
  if (maxDigits > 0 && next.digits.length >= maxDigits) {
    const memory = { ...next.memory, hashIgnoredUntilMs: atMs + rules.digitTimeoutMs };
    return finishDigits({ ...next, memory }, atMs);
  }
  return [next, [startTimer('digits', rules.digitTimeoutMs)]];
}

function finishDigits(state: Keying, atMs: number): Step {
  const timing = { speechEndedMs: state.lastDigitMs, endpointMs: atMs, recognisedMs: null };
  return after([cancelTimer('digits')], ask(state.memory, { type: 'digits', digits: state.digits }, atMs, timing));
}

function forgetHash(state: TurnState): TurnState {
  return { ...state, memory: { ...state.memory, hashIgnoredUntilMs: 0 } };
}
