import { DtmfDetector } from '../audio/dtmf-detector.ts';

/** A key is told at its end, by way of others: so long after its tone it may still be told. */
const TOLD_WITHIN_MS = 1000;

/**
 * The keys in the audio of a peer that may or may not tell keys in frames of its own. The first such frame proves that it does:
 * from then on the tones are not listened to any more, and the key that was heard already is not told twice. Costs 1 µs a frame
 * of silence and 2-3 µs a frame of speech at 8 kHz, on the machine of the benches.
 */
export class InBandKeys {
  #detector: DtmfDetector | null;
  #samples = new Int16Array(0);
  #heard = '';
  #heardMs = 0;

  constructor(sampleRate: number) {
    this.#detector = new DtmfDetector(sampleRate);
  }

  /** Listens to little-endian samples, bytes[start, end); returns the keys that began, mostly none. */
  listenTo(bytes: Uint8Array, start: number, end: number, nowMs: number): string {
    if (this.#detector === null) return '';
    const count = (end - start) >> 1;
    if (this.#samples.length !== count) this.#samples = new Int16Array(count);
    const samples = this.#samples;
    for (let index = 0; index < count; index++) {
      const at = start + 2 * index;
      samples[index] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    }
    return this.listen(samples, nowMs);
  }

  /** Listens to samples; returns the keys that began. */
  listen(samples: Int16Array, nowMs: number): string {
    const detector = this.#detector;
    if (detector === null) return '';
    const digits = detector.push(samples);
    if (digits !== '') this.#heard = digits.charAt(digits.length - 1);
    if (detector.isPressed) this.#heardMs = nowMs;
    return digits;
  }

  /** The peer tells a key itself; false when it is the one that was heard. */
  isNews(digit: string, nowMs: number): boolean {
    const wasHeard = this.#detector !== null && digit === this.#heard && nowMs - this.#heardMs < TOLD_WITHIN_MS;
    this.#detector = null;
    return !wasHeard;
  }
}
