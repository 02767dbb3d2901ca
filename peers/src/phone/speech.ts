import { readWav } from '@assistant/server/audio/wav';
import { startWasmEngine } from '@assistant/server/providers/flite/wasm-engine';
import { resampled } from '../audio/resample.ts';

/** The voices of flite; kal16 is kal at the rate of the others. */
export const CALLER_VOICES = ['rms', 'slt', 'awb', 'kal16'] as const;
export type CallerVoice = (typeof CALLER_VOICES)[number];

/** Says sentences in the voices of flite, in a process of its own; each sentence is made once and kept. */
export class CallerSpeech implements AsyncDisposable {
  readonly #sampleRate: number;
  readonly #made = new Map<string, Promise<Int16Array>>();
  #engine: ReturnType<typeof startWasmEngine> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** The sentence as samples of the line's rate. */
  async samples(text: string, voice: CallerVoice = 'slt'): Promise<Int16Array> {
    const key = `${voice}:${text}`;
    const known = this.#made.get(key);
    if (known !== undefined) return await known;
    // One at a time: the engine speaks synchronously.
    const made = this.#queue.then(() => this.#speak(text, voice));
    this.#queue = made.catch(() => undefined);
    this.#made.set(key, made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    const engine = await this.#engine;
    await engine?.close();
  }

  async #speak(text: string, voice: CallerVoice): Promise<Int16Array> {
    this.#engine ??= startWasmEngine();
    const engine = await this.#engine;
    return resampled(readWav(await engine.run({ voice, text })), this.#sampleRate);
  }
}
