import { AppError } from '../../core/errors.ts';
import type { SpeechChunk } from '../../core/ports/text-to-speech.ts';

/** `response_format: pcm` is 24 kHz, 16 bits, mono, little-endian (OpenAI, Text to speech guide, supported output formats). */
const PCM_RATE = 24_000;
/** A header longer than this is none. */
const MAX_HEADER_BYTES = 65_536;
const RIFF_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const PCM_FORMATS = [1, 0xfffe];

/** Turns the bytes of a speech answer, cut anywhere, into samples as they come. Raw PCM, or a WAV file (16-bit mono) with
 *  whatever chunks before its audio and a size that may not be filled in. */
export class SpeechStream {
  #kept: Buffer = Buffer.alloc(0);
  #sampleRate = 0;
  /** Audio bytes still to come. */
  #leftBytes = Number.POSITIVE_INFINITY;

  /** Gives the whole samples that are there now, or null. @throws AppError provider_failed for a WAV file of another kind. */
  push(bytes: Uint8Array): SpeechChunk | null {
    this.#kept = this.#kept.length > 0 ? Buffer.concat([this.#kept, bytes]) : Buffer.from(bytes);
    if (this.#sampleRate === 0 && !this.#readHead()) return null;
    const wholeBytes = Math.min(this.#kept.length, this.#leftBytes) & ~1;
    if (wholeBytes === 0) return null;
    const samples = new Int16Array(wholeBytes / 2);
    for (let index = 0; index < samples.length; index++) samples[index] = this.#kept.readInt16LE(index * 2);
    this.#kept = this.#kept.subarray(wholeBytes);
    this.#leftBytes -= wholeBytes;
    return { samples, sampleRate: this.#sampleRate };
  }

  /** True once it is known where the audio starts. */
  #readHead(): boolean {
    if (this.#kept.length < 4) return false;
    if (this.#kept.toString('latin1', 0, 4) !== 'RIFF') {
      this.#sampleRate = PCM_RATE;
      return true;
    }
    let rate = 0;
    for (let at = RIFF_BYTES; at + CHUNK_HEADER_BYTES <= this.#kept.length; ) {
      const name = this.#kept.toString('latin1', at, at + 4);
      const sizeBytes = this.#kept.readUInt32LE(at + 4);
      const start = at + CHUNK_HEADER_BYTES;
      if (name === 'data') return this.#startAudio(rate, start, sizeBytes);
      if (name === 'fmt ') {
        if (start + 16 > this.#kept.length) return false;
        rate = readFormat(this.#kept.subarray(start, start + 16));
      }
      at = start + sizeBytes + (sizeBytes & 1);
    }
    if (this.#kept.length > MAX_HEADER_BYTES) throw unreadable('it has no audio in its first 64 KiB');
    return false;
  }

  #startAudio(rate: number, start: number, sizeBytes: number): boolean {
    if (rate === 0) throw unreadable('the audio comes before its format');
    this.#sampleRate = rate;
    this.#kept = this.#kept.subarray(start);
    // 0 and sizes near 2^32 are those of a header that was sent before the size was known.
    if (sizeBytes > 0 && sizeBytes < 0xffffff00) this.#leftBytes = sizeBytes;
    return true;
  }
}

/** The sample rate. Layout of the chunk: format u16, channels u16, rate u32, bytes a second u32, block u16, bits u16. */
function readFormat(chunk: Buffer): number {
  const [format, channels, rate, bits] = [
    chunk.readUInt16LE(0),
    chunk.readUInt16LE(2),
    chunk.readUInt32LE(4),
    chunk.readUInt16LE(14),
  ] as const;
  if (PCM_FORMATS.includes(format) && channels === 1 && bits === 16 && rate > 0) return rate;
  throw unreadable(
    `16-bit mono PCM is needed, it has format ${format}, ${channels} channels, ${bits} bits, ${rate} Hz`,
  );
}

function unreadable(found: string): AppError {
  return new AppError('provider_failed', { detail: `The speech came as a WAV file that cannot be read: ${found}` });
}
