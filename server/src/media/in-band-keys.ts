import { DtmfDetector } from '../audio/dtmf-detector.ts';

/** A key is told at its end, by way of others: so long after its tone it may still be told. */
const TOLD_WITHIN_MS = 1000;

/**
 * The keys in the audio of a peer that may or may not tell keys in frames of its own. The first such frame proves that it does:
 * from then on the tones are not listened to any more, and the key that was heard already is not told twice. A frame whose sign
 * changes too rarely or too often for two tones of a key is passed over at a tenth of a look's cost.
 */
export class InBandKeys {
  #detector: DtmfDetector | null;
  readonly #sampleRate: number;
  #samples = new Int16Array(0);
  /** The frame passed over last: a key may have begun in its end. */
  #passed = new Uint8Array(0);
  #isPassedOver = false;
  #heard = '';
  #heardMs = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
    this.#detector = new DtmfDetector(sampleRate);
  }

  /** Listens to little-endian samples, bytes[start, end); returns the keys that began, mostly none. */
  listenTo(bytes: Uint8Array, start: number, end: number, nowMs: number): string {
    const detector = this.#detector;
    if (detector === null) return '';
    if (detector.isIdle && !mayHoldTones(bytes, start, end, this.#sampleRate)) {
      this.#passOver(bytes, start, end);
      return '';
    }
    if (!this.#isPassedOver) return this.#hear(bytes, start, end, nowMs);
    this.#isPassedOver = false;
    detector.reset();
    return this.#hear(this.#passed, 0, this.#passed.length, nowMs) + this.#hear(bytes, start, end, nowMs);
  }

  #passOver(bytes: Uint8Array, start: number, end: number): void {
    if (this.#passed.length !== end - start) this.#passed = new Uint8Array(end - start);
    for (let index = start; index < end; index++) this.#passed[index - start] = bytes[index] as number;
    this.#isPassedOver = true;
  }

  #hear(bytes: Uint8Array, start: number, end: number, nowMs: number): string {
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

/** Sign changes a second of 697 + 1209 Hz to 941 + 1633 Hz lie between 1,394 and 3,266; the rest is room for noise. */
const FEWEST_CHANGES = 1_000;
const MOST_CHANGES = 3_800;

/** Whether little-endian samples change their sign as often as two tones of a key do. */
function mayHoldTones(bytes: Uint8Array, start: number, end: number, sampleRate: number): boolean {
  let changes = 0;
  let previous = (bytes[start + 1] as number) & 0x80;
  for (let at = start + 3; at < end; at += 2) {
    const sign = (bytes[at] as number) & 0x80;
    changes += (sign ^ previous) >> 7;
    previous = sign;
  }
  const perSecond = (changes * 2 * sampleRate) / (end - start);
  return perSecond >= FEWEST_CHANGES && perSecond <= MOST_CHANGES;
}
