import { levelDbfs, peakDbfs, SILENCE_DBFS } from '../audio/level.ts';
import { type HeardFrame, isVoice } from './heard-audio.ts';
import type { Phone, PhoneAct } from './phone.ts';

/** The caller speaks from the first 20 ms of its own sound over this level. */
export const OWN_VOICE_DBFS = -35;
/** The far side has stopped when it is quiet this long: longer than its pauses between words and sentences. */
const STOPPED_QUIET_MS = 400;
const TICK_MS = 20;
/** Two frames closer than this are a burst: a pacer does not make them. */
const BURST_MS = 5;
const GAP_MS = 60;

export type Intervals = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly gaps: number;
  readonly bursts: number;
};

export type CallFigures = {
  readonly greetingDelayMs: number | null;
  readonly heardMs: number;
  readonly voicedMs: number;
  readonly voiceDbfs: number;
  readonly peakDbfs: number;
  readonly intervals: Intervals;
};

/** What a call sounded like: times in ms, levels in dB below full scale. */
export function callFigures(phone: Phone): CallFigures {
  const { frames, sampleRate } = phone.heard;
  const samples = phone.heard.samples();
  const voiced = frames.filter(isVoice);
  const firstVoiceMs = phone.heard.firstVoiceAt(phone.openedAtMs);
  return {
    greetingDelayMs: firstVoiceMs === undefined ? null : firstVoiceMs - phone.openedAtMs,
    heardMs: (samples.length * 1000) / sampleRate,
    voicedMs: voiced.reduce((sum, frame) => sum + ((frame.to - frame.from) * 1000) / sampleRate, 0),
    voiceDbfs: meanLevel(voiced),
    peakDbfs: peakDbfs(samples),
    intervals: intervals(frames.map((frame) => frame.atMs)),
  };
}

/** Times between arrivals. */
export function intervals(arrivalsMs: readonly number[]): Intervals {
  const gapsMs = arrivalsMs.slice(1).map((atMs, index) => atMs - (arrivalsMs[index] as number));
  const sorted = gapsMs.toSorted((a, b) => a - b);
  return {
    count: gapsMs.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    longestMs: sorted.at(-1) ?? 0,
    gaps: gapsMs.filter((ms) => ms > GAP_MS).length,
    bursts: gapsMs.filter((ms) => ms < BURST_MS).length,
  };
}

/** Of sorted numbers, the smallest that is not below the share; 0 when there are none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? sorted[0] ?? 0;
}

/** Where a sound becomes audible, in ms from its start; undefined when it never does. */
export function voiceOnsetMs(samples: Int16Array, sampleRate: number): number | undefined {
  const size = (sampleRate * TICK_MS) / 1000;
  for (let from = 0; from < samples.length; from += size) {
    if (levelDbfs(samples, from, Math.min(samples.length, from + size)) > OWN_VOICE_DBFS)
      return (from * 1000) / sampleRate;
  }
  return undefined;
}

/**
 * How long the far side went on after the caller's voice began: from the first 20 ms of `sound` over -35 dBFS as it was sent
 * to the arrival of the last frame of the far side's voice. 0 when it was quiet at that moment, undefined when it never stopped.
 */
export function bargeInStopMs(phone: Phone, act: PhoneAct, sound: Int16Array): number | undefined {
  const onsetMs = act.startedAtMs + (voiceOnsetMs(sound, phone.sampleRate) ?? 0);
  const until = phone.endedAtMs ?? phone.heard.frames.at(-1)?.atMs ?? onsetMs;
  const quietMs = phone.heard.quietFrom(onsetMs, STOPPED_QUIET_MS, until);
  return quietMs === undefined ? undefined : quietMs - onsetMs;
}

function meanLevel(frames: readonly HeardFrame[]): number {
  if (frames.length === 0) return SILENCE_DBFS;
  const power = frames.reduce((sum, frame) => sum + 10 ** (frame.dbfs / 10), 0) / frames.length;
  return 10 * Math.log10(power);
}
