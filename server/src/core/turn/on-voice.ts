import { judgeVoice, VOICED_WINDOWS } from './barge-in.ts';
import { commit, resume } from './decide-barge-in.ts';
import type { Step } from './transitions.ts';
import { after, hear, newUtterance, stay } from './transitions.ts';
import { cancelTimer, startTimer } from './turn-effect.ts';
import type { VoiceWindowEvent } from './turn-event.ts';
import type {
  Hearing,
  Listening,
  Recognising,
  Speaking,
  Suspecting,
  Thinking,
  TurnMemory,
  TurnState,
} from './turn-state.ts';
import { isOverEcho, learnCaller } from './voice-levels.ts';

/** A stretch of caller audio was judged. */
export function onVoiceWindow(state: TurnState, window: VoiceWindowEvent): Step {
  switch (state.name) {
    // Keys and last words are not interrupted by voice.
    case 'starting':
    case 'keying':
    case 'closing':
    case 'transferring':
    case 'ended':
      return stay(state);
    case 'hearing':
      return isVoiced(state, window) ? stay(keepHearing(state, window)) : stay(state);
    case 'suspecting':
      return whileSuspecting(state, window);
    case 'listening':
    case 'recognising':
    case 'thinking':
    case 'speaking': {
      const counted = count(state, window);
      return counted.memory.voicedRun >= VOICED_WINDOWS ? onVoice(counted, window) : stay(counted);
    }
  }
}

type Waiting = Listening | Recognising | Thinking | Speaking;

/** Enough voiced windows in a row: somebody speaks. */
function onVoice(state: Waiting, window: VoiceWindowEvent): Step {
  const { utterance, memory, effect } = newUtterance(state.memory, window.endMs);
  switch (state.name) {
    case 'listening':
      return after(
        [cancelTimer('idle'), effect],
        hear(memory, utterance, { spoken: [], unanswered: null, idle: state.idle }, window.atMs),
      );
    case 'recognising':
      return after(
        [cancelTimer('recognition'), effect],
        hear(memory, utterance, { ...state, idle: null }, window.atMs),
      );
    case 'thinking':
    case 'speaking': {
      const suspicion = { utterance, sinceMs: window.atMs, peakDb: window.levelDb, isAcknowledged: false };
      const effects = [
        { type: 'pause_playout' } as const,
        effect,
        startTimer('barge_in_decision', memory.rules.bargeInDecisionMs),
        { type: 'note', name: 'barge_in_suspected' } as const,
      ];
      return [{ name: 'suspecting', memory, reply: state.reply, suspicion }, effects];
    }
  }
}

function whileSuspecting(state: Suspecting, window: VoiceWindowEvent): Step {
  const { suspicion } = state;
  const heard = isVoiced(state, window)
    ? {
        ...suspicion,
        peakDb: Math.max(suspicion.peakDb, window.levelDb),
        utterance: addVoice(suspicion.utterance, state.memory, window),
      }
    : suspicion;
  const next: Suspecting = heard === suspicion ? state : { ...state, suspicion: heard };
  switch (judgeVoice(heard, state.memory.rules, window.atMs)) {
    case 'commit':
      return commit(next, window.atMs);
    case 'resume':
      return resume(next, window.atMs);
    case 'wait':
      return stay(next);
  }
}

function keepHearing(state: Hearing, window: VoiceWindowEvent): Hearing {
  const levels = learnCaller(state.memory.levels, window.levelDb);
  const utterance = addVoice(state.utterance, state.memory, window);
  return { ...state, memory: { ...state.memory, levels }, utterance };
}

function addVoice(utterance: Hearing['utterance'], memory: TurnMemory, window: VoiceWindowEvent): Hearing['utterance'] {
  return {
    ...utterance,
    voicedMs: utterance.voicedMs + memory.rules.windowMs,
    lastVoicedMs: Math.max(utterance.lastVoicedMs, window.endMs),
  };
}

/** Counts voiced windows in a row. The same state again where there is nothing to count. */
function count<State extends Waiting>(state: State, window: VoiceWindowEvent): State {
  const { memory } = state;
  const isVoice = isVoiced(state, window);
  if (!isVoice && memory.voicedRun === 0) return state;
  const voicedSinceMs = memory.voicedRun === 0 ? window.endMs - memory.rules.windowMs : memory.voicedSinceMs;
  const voicedRun = isVoice ? memory.voicedRun + 1 : 0;
  return { ...state, memory: { ...memory, voicedRun, voicedSinceMs } };
}

/** While the assistant is audible, voice must be surer and louder, against its own echo. */
function isVoiced(state: TurnState, window: VoiceWindowEvent): boolean {
  const { rules, levels } = state.memory;
  const isAudible = (state.name === 'speaking' || state.name === 'suspecting') && state.reply.isAudible;
  if (!isAudible) return window.probability >= rules.voicedThreshold;
  const threshold = rules.voicedThreshold + rules.speakingThresholdBoost;
  return window.probability >= threshold && isOverEcho(levels, window.levelDb);
}
