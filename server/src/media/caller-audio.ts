import { type CallMemory, WORD } from './call-memory.ts';

/**
 * The worker's end of the way in: writes caller audio, over the oldest when main does not keep up. Whenever main has read all,
 * it starts again at the start of the ring, so that a call touches one page of it and not four (12 KB a call less).
 */
export class CallerAudioWriter {
  readonly #words: Int32Array;
  readonly #ring: Int16Array;
  readonly #mask: number;
  #at = 0;
  #base = 0;

  constructor(memory: CallMemory) {
    this.#words = memory.words;
    this.#ring = memory.inbound;
    this.#mask = memory.inbound.length - 1;
  }

  /** Writes little-endian samples, bytes[start, end); an odd last byte is left out. */
  write(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const ring = this.#ring;
    const mask = this.#mask;
    let place = this.#place();
    for (let index = start; index + 1 < end; index += 2) {
      ring[place++ & mask] = (bytes[index] as number) | ((bytes[index + 1] as number) << 8);
    }
    this.#publish(place, nowMs);
  }

  /** Writes the first `count` samples. */
  writeSamples(samples: Int16Array, count: number, nowMs: number): void {
    const ring = this.#ring;
    const mask = this.#mask;
    let place = this.#place();
    for (let index = 0; index < count; index++) ring[place++ & mask] = samples[index] as number;
    this.#publish(place, nowMs);
  }

  #place(): number {
    if (Atomics.load(this.#words, WORD.read) === this.#at) {
      this.#base = this.#at;
      Atomics.store(this.#words, WORD.inboundBase, this.#at);
    }
    return (this.#at - this.#base) | 0;
  }

  #publish(place: number, nowMs: number): void {
    this.#at = (this.#base + place) | 0;
    Atomics.store(this.#words, WORD.receivedAtUs, Math.round(nowMs * 1000) | 0);
    Atomics.store(this.#words, WORD.received, this.#at);
  }
}

/** Main's end of the way in. */
export class CallerAudioReader {
  #words: Int32Array;
  readonly #ring: Int16Array;
  readonly #limit: number;
  #at = 0;
  /** Samples lost because main came too late. */
  dropped = 0;

  constructor(memory: CallMemory) {
    this.#words = memory.words;
    this.#ring = memory.inbound;
    this.#limit = memory.sampleRate;
  }

  /**
   * Copies what has arrived into `into`, at most its length, and returns how many samples; more than a second behind, the
   * oldest is dropped. Copied because the worker may write meanwhile: what it wrote over is found out afterwards and dropped.
   */
  read(into: Int16Array): number {
    const ring = this.#ring;
    const mask = ring.length - 1;
    const received = Atomics.load(this.#words, WORD.received);
    this.#skipTo((received - this.#limit) | 0);
    const samples = Math.min((received - this.#at) | 0, into.length);
    const place = (this.#at - Atomics.load(this.#words, WORD.inboundBase)) | 0;
    for (let index = 0; index < samples; index++) into[index] = ring[(place + index) & mask] as number;
    const oldest = (Atomics.load(this.#words, WORD.received) - ring.length) | 0;
    const lost = Math.min(Math.max(0, (oldest - this.#at) | 0), samples);
    this.#at = (this.#at + samples) | 0;
    Atomics.store(this.#words, WORD.read, this.#at);
    this.dropped += lost;
    if (lost > 0) into.copyWithin(0, lost, samples);
    return samples - lost;
  }

  /** Lets go of the shared memory: nothing more will be read. */
  detach(): void {
    this.#words = this.#words.slice();
    this.#at = Atomics.load(this.#words, WORD.received);
  }

  /** Microseconds of the worker's clock, modulo 2^32, at which the newest sample arrived. */
  get receivedAtUs(): number {
    return Atomics.load(this.#words, WORD.receivedAtUs);
  }

  #skipTo(oldest: number): void {
    const behind = (oldest - this.#at) | 0;
    if (behind <= 0) return;
    this.#at = oldest;
    this.dropped += behind;
  }
}
