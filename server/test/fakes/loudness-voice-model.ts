import type { VoiceModel } from '@assistant/server/core/ports/voice-model';

/** A window that begins with this sample kills the worker, as a bug in native code would. */
export const DEADLY_SAMPLE = -32_768;
/** A window that begins with this one makes the model fail. */
export const FAILING_SAMPLE = -32_767;

const WINDOW_SAMPLES = 256;

/**
 * A model whose answers a test can foresee: the probability is the first sample as a share of full scale, or 1 when the memory
 * says that the window before began with the same sample.
 */
export async function openVoiceModel(): Promise<VoiceModel> {
  return {
    windowSamples: WINDOW_SAMPLES,
    memoryLength: 1,
    maxBatch: 4,
    judge: async (streams) => {
      if (streams.length > 4) throw new Error(`A batch of ${streams.length} is more than maxBatch`);
      for (const stream of streams) {
        const first = stream.window[0] ?? 0;
        if (first === DEADLY_SAMPLE) process.exit(9);
        if (first === FAILING_SAMPLE) throw new Error('This window cannot be judged');
        stream.probability = first !== 0 && stream.memory[0] === first ? 1 : Math.max(0, first) / 32_768;
        stream.memory[0] = first;
      }
    },
  };
}
