import type { BrainInput } from '../ports/brain.ts';
import { judgeAtDeadline, judgeWords } from './barge-in.ts';
import { commit, resume } from './decide-barge-in.ts';
import type { Step } from './transitions.ts';
import { after, ask, cancelSpoken, cancelUtterance, fail, leaveHearing, listenOn, stay } from './transitions.ts';
import type { TurnEffect } from './turn-effect.ts';
import { cancelTimer, startTimer } from './turn-effect.ts';
import type { InterimEvent, RecognisedEvent, RecognitionFailedEvent } from './turn-event.ts';
import type { Hearing, Recognising, Spoken, Suspecting, TurnState } from './turn-state.ts';

/** Less voice than this is a click or a bump: no word is that short. */
const SHORTEST_UTTERANCE_MS = 100;
/** So many recognitions may fail in a row before the caller is told. */
const MOST_FAILED_RECOGNITIONS = 2;

/** Words while the caller still speaks: the best evidence in a barge-in. */
export function onInterim(state: TurnState, event: InterimEvent | RecognisedEvent): Step {
  if (state.name !== 'suspecting' || event.utteranceId !== state.suspicion.utterance.id) return stay(state);
  const verdict = judgeWords(event.text, state.memory.rules);
  switch (verdict) {
    case 'commit':
      return commit(state, event.atMs);
    case 'acknowledged':
      return stay({ ...state, suspicion: { ...state.suspicion, isAcknowledged: true } });
    case 'wait':
      return stay(state);
  }
}

/** Time to decide a barge-in is up. */
export function onBargeInDeadline(state: Suspecting, atMs: number): Step {
  const verdict = judgeAtDeadline(state.suspicion, state.memory.rules);
  return verdict === 'commit' ? commit(state, atMs) : resume(state, atMs);
}

/** The timer only looks: voice meanwhile moved the end of the turn. */
export function onEndOfTurn(state: Hearing, atMs: number): Step {
  const silenceLeftMs = state.utterance.lastVoicedMs + state.memory.rules.endOfTurnSilenceMs - atMs;
  if (silenceLeftMs > 0) return [state, [startTimer('end_of_turn', silenceLeftMs)]];
  // What took the turn from the assistant was judged already, maybe by its words.
  const isUnjudged = state.idle !== null || state.spoken.length > 0;
  const isBump = isUnjudged && state.utterance.voicedMs < SHORTEST_UTTERANCE_MS;
  return isBump ? dropUtterance(state, atMs) : finishUtterance(state, atMs);
}

/** The caller's turn is over, or it is cut because it is too long: the recogniser has the word. */
export function finishUtterance(state: Hearing, atMs: number): Step {
  const { utterance, unanswered } = state;
  const speechEndedMs = utterance.lastVoicedMs;
  const finish: TurnEffect = { type: 'finish_utterance', utteranceId: utterance.id, speechEndedMs };
  const spoken = [...state.spoken, { id: utterance.id, text: null }];
  return recognise(state, { spoken, unanswered }, [finish], atMs);
}

/** The recogniser has understood, or nothing. */
export function onRecognised(state: TurnState, event: RecognisedEvent): Step {
  switch (state.name) {
    case 'hearing':
      return isAwaited(state.spoken, event) ? stay({ ...state, spoken: withText(state.spoken, event) }) : stay(state);
    case 'recognising':
      if (!isAwaited(state.spoken, event)) return stay(state);
      return settleSpoken(understood({ ...state, spoken: withText(state.spoken, event) }), event.atMs);
    case 'suspecting':
      return onInterim(state, event);
    case 'starting':
    case 'listening':
    case 'keying':
    case 'thinking':
    case 'speaking':
    case 'closing':
    case 'transferring':
    case 'ended':
      return stay(state);
  }
}

/** The recogniser gave up: the same as nothing understood, until it happens too often. */
export function onRecognitionFailed(state: TurnState, event: RecognitionFailedEvent): Step {
  const isOurs = (state.name === 'hearing' || state.name === 'recognising') && isAwaited(state.spoken, event);
  if (!isOurs) return stay(state);
  const failedRecognitions = state.memory.failedRecognitions + 1;
  const memory = { ...state.memory, failedRecognitions };
  const next = { ...state, memory, spoken: withText(state.spoken, { ...event, text: '' }) };
  if (failedRecognitions > MOST_FAILED_RECOGNITIONS) return fail(next, event.atMs, 'recogniser');
  return next.name === 'hearing' ? stay(next) : settleSpoken(next, event.atMs);
}

/** The recogniser took too long for all that it still owes. */
export function onRecognitionTimeout(state: Recognising, atMs: number): Step {
  const failedRecognitions = state.memory.failedRecognitions + 1;
  const late: Recognising = { ...state, memory: { ...state.memory, failedRecognitions } };
  const note: TurnEffect = { type: 'note', name: 'recognition_timed_out' };
  if (failedRecognitions > MOST_FAILED_RECOGNITIONS) return after([note], fail(late, atMs, 'recogniser'));
  const spoken = state.spoken.map((one) => ({ ...one, text: one.text ?? '' }));
  return after([note, ...cancelSpoken(state.spoken)], settleSpoken({ ...late, spoken }, atMs));
}

function dropUtterance(state: Hearing, atMs: number): Step {
  const { spoken, unanswered, memory } = state;
  const cancel = cancelUtterance(state.utterance.id);
  if (state.idle !== null) return after([...leaveHearing(), cancel], listenOn(memory, state.idle, atMs));
  return recognise(state, { spoken, unanswered }, [cancel], atMs);
}

function recognise(
  state: Hearing,
  input: Pick<Recognising, 'spoken' | 'unanswered'>,
  effects: readonly TurnEffect[],
  atMs: number,
): Step {
  const next: Recognising = {
    name: 'recognising',
    memory: state.memory,
    ...input,
    speechEndedMs: state.utterance.lastVoicedMs,
    endpointMs: atMs,
  };
  const wait = startTimer('recognition', state.memory.rules.recognitionTimeoutMs);
  return after([...leaveHearing(), ...effects, wait], settleSpoken(next, atMs));
}

/** Once every utterance has its text, the brain is asked for all of it together. */
function settleSpoken(state: Recognising, atMs: number): Step {
  if (state.spoken.some((one) => one.text === null)) return stay(state);
  const timing = { speechEndedMs: state.speechEndedMs, endpointMs: state.endpointMs, recognisedMs: atMs };
  return after([cancelTimer('recognition')], ask(state.memory, wholeInput(state), atMs, timing));
}

/** What nobody answered yet, with what was said since. Keys that were followed by words are superseded. */
function wholeInput({ spoken, unanswered }: Recognising): BrainInput {
  const said = spoken.map((one) => one.text ?? '').filter((text) => text !== '');
  if (said.length === 0) return unanswered ?? { type: 'not_understood' };
  const before = unanswered?.type === 'said' ? [unanswered.text] : [];
  return { type: 'said', text: [...before, ...said].join(' ') };
}

function understood(state: Recognising): Recognising {
  if (state.memory.failedRecognitions === 0) return state;
  return { ...state, memory: { ...state.memory, failedRecognitions: 0 } };
}

function isAwaited(spoken: readonly Spoken[], event: { readonly utteranceId: Spoken['id'] }): boolean {
  return spoken.some((one) => one.id === event.utteranceId && one.text === null);
}

function withText(
  spoken: readonly Spoken[],
  event: { readonly utteranceId: Spoken['id']; readonly text: string },
): readonly Spoken[] {
  return spoken.map((one) => (one.id === event.utteranceId ? { ...one, text: event.text.trim() } : one));
}
