/** Names one uninterrupted stretch of a call's audio between main and the worker; never used twice. A reset begins a new one. */
export type StreamNumber = number;

/** What main asks of the worker. */
export type InferenceCommand =
  | {
      readonly type: 'open';
      readonly stream: StreamNumber;
      readonly memory: SharedArrayBuffer;
      /** Where in the ring the stream begins. */
      readonly position: number;
    }
  | { readonly type: 'close'; readonly stream: StreamNumber };

/** What the worker tells main: once that it is ready, then the judged windows of all calls, `ROW` numbers each. */
export type InferenceNews = { readonly type: 'ready'; readonly windowSamples: number } | Float64Array;

/** A judged window in a `Float64Array`. */
export const ROW = {
  stream: 0,
  probability: 1,
  levelDb: 2,
  /** Samples from the stream's beginning to the window's end, those lost on the way included. */
  endSample: 3,
  /** Samples lost on the way just before this window. */
  lost: 4,
  length: 5,
} as const;

/** Given to the worker when it starts. */
export type InferenceWorkerData = {
  /** URL of a module that is a `VoiceModelModule`. */
  readonly voiceModel: string;
};
