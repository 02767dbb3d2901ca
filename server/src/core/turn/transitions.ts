import type { EndReason } from '../call/call.ts';
import type { ReplyId, UtteranceId } from '../ids.ts';
import type { BrainInput } from '../ports/brain.ts';
import type { InputTiming, TurnEffect } from './turn-effect.ts';
import { cancelTimer, NO_EFFECTS, startTimer } from './turn-effect.ts';
import type { ReplyOutcome } from './turn-event.ts';
import type { Hearing, Idleness, Reply, Spoken, TurnMemory, TurnState, Utterance } from './turn-state.ts';

/** The next state and what is to be done, in order. */
export type Step = readonly [TurnState, readonly TurnEffect[]];

/** A reply of which nothing came for this long has failed. */
export const PROGRESS_LIMIT_MS = 15_000;

const LISTEN: ReplyOutcome = { type: 'listen' };

/** Nothing changes. */
export function stay(state: TurnState): Step {
  return [state, NO_EFFECTS];
}

/** The same step, with other things to do first. */
export function after(effects: readonly TurnEffect[], [state, more]: Step): Step {
  return [state, effects.length === 0 ? more : [...effects, ...more]];
}

/** Waits for the caller; the second time, after the idle question, for goodbye. */
export function listen(memory: TurnMemory, wasAsked: boolean, atMs: number): Step {
  return listenOn(memory, idleness(memory, wasAsked, atMs), atMs);
}

/** A silence that begins now. */
export function idleness(memory: TurnMemory, wasAsked: boolean, atMs: number): Idleness {
  const { idleAskMs, idleGoodbyeMs } = memory.rules;
  return { wasAsked, untilMs: atMs + (wasAsked ? idleGoodbyeMs : idleAskMs) };
}

/** Goes on waiting as before. */
export function listenOn(memory: TurnMemory, idle: Idleness, atMs: number): Step {
  return [{ name: 'listening', memory: quiet(memory), idle }, [startTimer('idle', Math.max(0, idle.untilMs - atMs))]];
}

/** Asks the brain. */
export function ask(memory: TurnMemory, input: BrainInput, atMs: number, timing: InputTiming | null): Step {
  const reply = newReply(memory, input, LISTEN, atMs);
  const isCaller = input.type === 'said' || input.type === 'digits';
  const known = isCaller && memory.failedTransfers > 0 ? { ...memory, failedTransfers: 0 } : memory;
  const effects: TurnEffect[] = [
    { type: 'ask', replyId: reply.id, input, timing },
    startTimer('progress', PROGRESS_LIMIT_MS),
  ];
  return [{ name: 'thinking', memory: withNextReply(known), reply }, effects];
}

/** Says a sentence of our own, then does what the outcome says. */
export function say(memory: TurnMemory, text: string, atMs: number, outcome: ReplyOutcome = LISTEN): Step {
  const reply = { ...newReply(memory, null, outcome, atMs), isIdleQuestion: outcome.type === 'listen' };
  return [{ name: 'thinking', memory: withNextReply(memory), reply }, sayEffects(reply, text)];
}

/** Drops whatever goes on, says the last words of the call and ends it. */
export function close(state: TurnState, text: string, atMs: number, reason: EndReason): Step {
  const outcome: ReplyOutcome = { type: 'end', reason };
  const reply = newReply(state.memory, null, outcome, atMs);
  const effects = [...leave(state), ...sayEffects(reply, text)];
  return [{ name: 'closing', memory: withNextReply(state.memory), reply, reason }, effects];
}

/** A part the call cannot do without has failed: says so and ends. */
export function fail(state: TurnState, atMs: number, part: 'brain' | 'voice' | 'recogniser' | 'transfer'): Step {
  const reason = part === 'transfer' ? 'carrier_failed' : 'provider_failed';
  const failed: TurnEffect = { type: 'note', name: 'part_failed', data: { part } };
  return after([failed], close(state, state.memory.rules.errorSentence, atMs, reason));
}

/** The end, from any state. */
export function end(state: TurnState, reason: EndReason): Step {
  return [{ name: 'ended', memory: state.memory, reason }, [{ type: 'end', reason }]];
}

/** The caller speaks. */
export function hear(
  memory: TurnMemory,
  utterance: Utterance,
  before: Pick<Hearing, 'spoken' | 'unanswered' | 'idle'>,
  atMs: number,
): Step {
  const { endOfTurnSilenceMs, maxUtteranceMs } = memory.rules;
  const silenceLeftMs = utterance.lastVoicedMs + endOfTurnSilenceMs - atMs;
  const effects = [startTimer('end_of_turn', Math.max(0, silenceLeftMs)), startTimer('max_utterance', maxUtteranceMs)];
  const { spoken, unanswered, idle } = before;
  return [{ name: 'hearing', memory: quiet(memory), utterance, spoken, unanswered, idle }, effects];
}

/** The utterance that the voiced windows counted so far begin. */
export function newUtterance(
  memory: TurnMemory,
  endMs: number,
): { utterance: Utterance; memory: TurnMemory; effect: TurnEffect } {
  const id = memory.nextUtteranceId;
  const voicedMs = memory.voicedRun * memory.rules.windowMs;
  return {
    utterance: { id, voicedMs, lastVoicedMs: endMs },
    memory: { ...memory, nextUtteranceId: (id + 1) as UtteranceId, voicedRun: 0 },
    effect: { type: 'begin_utterance', utteranceId: id, fromMs: memory.voicedSinceMs - memory.rules.preRollMs },
  };
}

/** What must stop when a state is left for something else than its usual next one. */
export function leave(state: TurnState): readonly TurnEffect[] {
  switch (state.name) {
    case 'starting':
    case 'transferring':
    case 'ended':
      return NO_EFFECTS;
    case 'listening':
      return [cancelTimer('idle')];
    case 'keying':
      return [cancelTimer('digits')];
    case 'hearing':
      return [...leaveHearing(), ...cancelSpoken(state.spoken), cancelUtterance(state.utterance.id)];
    case 'recognising':
      return [cancelTimer('recognition'), ...cancelSpoken(state.spoken)];
    case 'suspecting':
      return [
        cancelTimer('barge_in_decision'),
        cancelUtterance(state.suspicion.utterance.id),
        ...leaveReply(state.reply),
      ];
    case 'thinking':
    case 'speaking':
    case 'closing':
      return leaveReply(state.reply);
  }
}

export function leaveHearing(): readonly TurnEffect[] {
  return [cancelTimer('end_of_turn'), cancelTimer('max_utterance')];
}

export function leaveReply(reply: Reply): readonly TurnEffect[] {
  return [cancelTimer('progress'), cancelTimer('confirmation'), { type: 'cancel_reply', replyId: reply.id }];
}

export function cancelUtterance(utteranceId: UtteranceId): TurnEffect {
  return { type: 'cancel_utterance', utteranceId };
}

export function cancelSpoken(spoken: readonly Spoken[]): readonly TurnEffect[] {
  return spoken.filter((one) => one.text === null).map((one) => cancelUtterance(one.id));
}

/** Forgets voiced windows counted in another state. */
function quiet(memory: TurnMemory): TurnMemory {
  return memory.voicedRun === 0 ? memory : { ...memory, voicedRun: 0 };
}

function newReply(memory: TurnMemory, input: BrainInput | null, outcome: ReplyOutcome, atMs: number): Reply {
  return {
    id: memory.nextReplyId,
    input,
    outcome,
    isIdleQuestion: false,
    isAudible: false,
    isComplete: false,
    isHeard: false,
    progressAtMs: atMs,
    confirmByMs: Number.POSITIVE_INFINITY,
  };
}

function withNextReply(memory: TurnMemory): TurnMemory {
  return { ...quiet(memory), nextReplyId: (memory.nextReplyId + 1) as ReplyId };
}

function sayEffects(reply: Reply, text: string): TurnEffect[] {
  const { id: replyId, outcome } = reply;
  return [{ type: 'say', replyId, text, outcome }, startTimer('progress', PROGRESS_LIMIT_MS)];
}
