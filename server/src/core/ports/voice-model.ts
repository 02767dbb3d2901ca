/** One call's place in a voice activity model. */
export type VoiceStream = {
  /** The audio to judge next: `windowSamples` at 8000 Hz. */
  readonly window: Int16Array;
  /** What the model keeps from window to window: `memoryLength` numbers, all zero at the beginning. */
  readonly memory: Float32Array;
  /** 0 to 1: the answer for `window`. */
  probability: number;
};

/** A voice activity model, as the inference worker runs it: one for all calls. */
export interface VoiceModel {
  /** Length of a window at 8000 Hz. */
  readonly windowSamples: number;
  readonly memoryLength: number;
  /** Streams it judges at once, at most. */
  readonly maxBatch: number;
  /** Judges one window of each stream: sets `probability`, carries `memory` on. One call at a time. */
  judge(streams: readonly VoiceStream[]): Promise<void>;
}

/** What a module must export to be loaded into the inference worker by its URL. */
export type VoiceModelModule = { readonly openVoiceModel: () => Promise<VoiceModel> };
