import { finishReply } from './finish-reply.ts';
import type { Step } from './transitions.ts';
import { after, cancelUtterance, hear, leaveReply } from './transitions.ts';
import type { TurnEffect } from './turn-effect.ts';
import { cancelTimer, startTimer } from './turn-effect.ts';
import type { Speaking, Suspecting, Thinking } from './turn-state.ts';
import { learnEcho } from './voice-levels.ts';

/** The caller takes the turn: the reply is over, and the brain is told what was heard of it. */
export function commit(state: Suspecting, atMs: number): Step {
  const { reply, suspicion, memory } = state;
  const effects: TurnEffect[] = [
    cancelTimer('barge_in_decision'),
    ...leaveReply(reply),
    { type: 'note', name: 'barge_in_committed', data: { voicedMs: suspicion.utterance.voicedMs } },
  ];
  const before = { spoken: [], unanswered: reply.input, idle: null };
  return after(effects, hear(memory, suspicion.utterance, before, atMs));
}

/** It was a cough, an acknowledgement or our echo: the assistant plays on from where the listener was. */
export function resume(state: Suspecting, atMs: number): Step {
  const { suspicion } = state;
  const pausedMs = atMs - suspicion.sinceMs;
  const memory = suspicion.isAcknowledged
    ? state.memory
    : { ...state.memory, levels: learnEcho(state.memory.levels, suspicion.peakDb) };
  const effects: TurnEffect[] = [
    cancelTimer('barge_in_decision'),
    cancelUtterance(suspicion.utterance.id),
    { type: 'resume_playout' },
    {
      type: 'note',
      name: 'barge_in_dismissed',
      data: { pausedMs: Math.round(pausedMs), isAcknowledged: suspicion.isAcknowledged },
    },
  ];
  const confirmByMs = state.reply.confirmByMs + pausedMs + memory.rules.resumeRewindMs;
  const reply = { ...state.reply, confirmByMs, progressAtMs: atMs };
  const next: Thinking | Speaking = reply.isAudible
    ? { name: 'speaking', memory, reply }
    : { name: 'thinking', memory, reply };
  if (reply.isHeard) return after(effects, finishReply(next, atMs));
  if (reply.isComplete) effects.push(startTimer('confirmation', confirmByMs - atMs));
  return [next, effects];
}
