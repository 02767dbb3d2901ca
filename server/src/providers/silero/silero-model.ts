import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { VoiceModel, VoiceStream } from '../../core/ports/voice-model.ts';

const MODEL_FILE = new URL('./silero_vad_v6.onnx', import.meta.url);
const SAMPLE_RATE = 8_000n;
const WINDOW = 256;
/** The model wants the end of the last window before the new one (Silero's OnnxWrapper); left out, nothing warns. */
const CONTEXT = 32;
const INPUT = CONTEXT + WINDOW;
/** Two layers of an LSTM. */
const LAYERS = 2;
const CELLS = 128;
const MEMORY = CONTEXT + LAYERS * CELLS;
/** A window costs 88 us alone, 33 in a batch of 8, 28 in one of 16 (AMD EPYC); more gains nothing. */
const MAX_BATCH = 16;
const FULL_SCALE = 32_768;

/** The tensors of one batch size, used again each time. */
type Batch = {
  readonly input: Float32Array;
  readonly state: Float32Array;
  readonly probabilities: Float32Array;
  readonly nextState: Float32Array;
  readonly feeds: InferenceSession.FeedsType;
  readonly fetches: InferenceSession.FetchesType;
};

/**
 * Loads Silero VAD v6 (8 kHz, windows of 32 ms): 50 to 70 ms and about 45 MB. `judge` blocks its thread for the time it
 * takes, though it returns a promise, so it belongs in a worker.
 */
export async function openVoiceModel(): Promise<VoiceModel> {
  const session = await InferenceSession.create(fileURLToPath(MODEL_FILE), {
    // More than one thread, and onnxruntime's default, spin while they wait: 120 % of a core instead of 21.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  });
  const batches: Batch[] = [];
  return {
    windowSamples: WINDOW,
    memoryLength: MEMORY,
    maxBatch: MAX_BATCH,
    judge: async (streams) => {
      const batch = batches[streams.length] ?? createBatch(streams.length);
      batches[streams.length] = batch;
      fill(batch, streams);
      await session.run(batch.feeds, batch.fetches);
      carryOn(batch, streams);
    },
  };
}

function createBatch(size: number): Batch {
  const input = new Float32Array(size * INPUT);
  const state = new Float32Array(LAYERS * size * CELLS);
  const probabilities = new Float32Array(size);
  const nextState = new Float32Array(LAYERS * size * CELLS);
  return {
    input,
    state,
    probabilities,
    nextState,
    feeds: {
      input: new Tensor('float32', input, [size, INPUT]),
      state: new Tensor('float32', state, [LAYERS, size, CELLS]),
      sr: new Tensor('int64', BigInt64Array.of(SAMPLE_RATE), []),
    },
    fetches: {
      output: new Tensor('float32', probabilities, [size, 1]),
      stateN: new Tensor('float32', nextState, [LAYERS, size, CELLS]),
    },
  };
}

/** A memory holds the context, then the layers; the model wants all calls' first layers, then all second ones. */
function fill(batch: Batch, streams: readonly VoiceStream[]): void {
  for (const [place, { window, memory }] of streams.entries()) {
    const start = place * INPUT;
    for (let index = 0; index < CONTEXT; index++) batch.input[start + index] = memory[index] as number;
    for (let index = 0; index < WINDOW; index++) {
      batch.input[start + CONTEXT + index] = (window[index] as number) / FULL_SCALE;
    }
    for (let layer = 0; layer < LAYERS; layer++) {
      copy(memory, CONTEXT + layer * CELLS, batch.state, (layer * streams.length + place) * CELLS);
    }
  }
}

function carryOn(batch: Batch, streams: readonly VoiceStream[]): void {
  for (const [place, stream] of streams.entries()) {
    const { window, memory } = stream;
    stream.probability = batch.probabilities[place] as number;
    for (let index = 0; index < CONTEXT; index++) {
      memory[index] = (window[WINDOW - CONTEXT + index] as number) / FULL_SCALE;
    }
    for (let layer = 0; layer < LAYERS; layer++) {
      copy(batch.nextState, (layer * streams.length + place) * CELLS, memory, CONTEXT + layer * CELLS);
    }
  }
}

function copy(from: Float32Array, fromStart: number, to: Float32Array, toStart: number): void {
  for (let index = 0; index < CELLS; index++) to[toStart + index] = from[fromStart + index] as number;
}
