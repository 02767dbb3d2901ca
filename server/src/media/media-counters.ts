/** Upper bounds of the lateness buckets, in ms; one more bucket holds the rest. */
export const LATE_BUCKETS_MS = [1, 2, 5, 10, 20, 60] as const;

/** Places of the counters; the worker writes them, main reads them, without a message. */
export const COUNTER = {
  activeCalls: 0,
  unnamedSockets: 1,
  framesIn: 2,
  framesOut: 3,
  silenceOut: 4,
  skips: 5,
  underruns: 6,
  dropsOut: 7,
  stalls: 8,
  refused: 9,
  malformed: 10,
  framesInUse: 11,
  rtpPorts: 12,
  strangers: 13,
  socketErrors: 14,
  late: 15,
} as const;

/** Float64: exact up to 2^53, where 32 bits would wrap within a day at a thousand calls. */
export type CounterMemory = Float64Array;

export function createCounterMemory(): CounterMemory {
  const count = COUNTER.late + LATE_BUCKETS_MS.length + 1;
  return new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
}

/** Adds to a counter: only the worker does. */
export function bump(counters: CounterMemory, counter: number, by = 1): void {
  counters[counter] = (counters[counter] as number) + by;
}

/** Counts frames by how late they were. */
export function countLate(counters: CounterMemory, lateMs: number, frames: number): void {
  let bucket = 0;
  while (bucket < LATE_BUCKETS_MS.length && lateMs > (LATE_BUCKETS_MS[bucket] as number)) bucket++;
  bump(counters, COUNTER.late + bucket, frames);
}

/** What the media worker has counted since it was started; gauges are as of now. */
export type MediaCounters = {
  readonly activeCalls: number;
  readonly unnamedSockets: number;
  /** Outgoing frame buffers whose write has not ended. */
  readonly framesInUse: number;
  /** Pairs of ports that RTP calls hold. */
  readonly rtpPorts: number;
  readonly framesIn: number;
  /** Frames sent, silence included. */
  readonly framesOut: number;
  readonly silenceOut: number;
  /** Turns left out because the worker woke more than 60 ms late. */
  readonly skips: number;
  /** Turns at which a reply under way had no audio. */
  readonly underruns: number;
  /** Frames not sent because the peer did not read. */
  readonly dropsOut: number;
  /** Peers that stood still for a while and then caught up. */
  readonly stalls: number;
  readonly refused: number;
  readonly malformed: number;
  /** RTP and RTCP packets that were not of the call's peer. */
  readonly strangers: number;
  /** Of UDP sockets: ICMP says that nobody listens over there, as a rule. */
  readonly socketErrors: number;
  /** Frames by lateness: up to 1, 2, 5, 10, 20, 60 ms, and more. */
  readonly late: readonly number[];
  /** Samples of caller audio main came too late for. */
  readonly samplesDroppedIn: number;
  /** Verbs called after `closed`. */
  readonly lateVerbs: number;
  /** Times the worker was started anew after it died. */
  readonly restarts: number;
};

/** The worker's part of the counters. */
export function readCounters(
  memory: CounterMemory,
): Omit<MediaCounters, 'samplesDroppedIn' | 'lateVerbs' | 'restarts'> {
  const at = (counter: number) => memory[counter] as number;
  return {
    activeCalls: at(COUNTER.activeCalls),
    unnamedSockets: at(COUNTER.unnamedSockets),
    framesInUse: at(COUNTER.framesInUse),
    rtpPorts: at(COUNTER.rtpPorts),
    framesIn: at(COUNTER.framesIn),
    framesOut: at(COUNTER.framesOut),
    silenceOut: at(COUNTER.silenceOut),
    skips: at(COUNTER.skips),
    underruns: at(COUNTER.underruns),
    dropsOut: at(COUNTER.dropsOut),
    stalls: at(COUNTER.stalls),
    refused: at(COUNTER.refused),
    malformed: at(COUNTER.malformed),
    strangers: at(COUNTER.strangers),
    socketErrors: at(COUNTER.socketErrors),
    late: Array.from(memory.subarray(COUNTER.late)),
  };
}
