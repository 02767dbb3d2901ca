import type { AudioFrame } from '../../core/audio-frame.ts';
import { AppError } from '../../core/errors.ts';

/** What flite writes: RIFF, a 16-byte fmt chunk and the data, 44 bytes in all. */
const HEADER_BYTES = 44;
const SAMPLE_RATE_OFFSET = 24;

/** Reads the WAV files that flite writes (16-bit mono). @throws AppError provider_failed for anything else. */
export function readFliteWav(wav: Uint8Array): AudioFrame {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  if (wav.length < HEADER_BYTES || view.getUint32(0) !== 0x52494646) {
    throw new AppError('provider_failed', { detail: `flite left ${wav.length} bytes that are no WAV file` });
  }
  // A copy: Buffer.slice would be a view, and an Int16Array needs an even offset.
  const bytes = new Uint8Array(wav.subarray(HEADER_BYTES, wav.length - ((wav.length - HEADER_BYTES) % 2)));
  return { samples: new Int16Array(bytes.buffer), sampleRate: view.getUint32(SAMPLE_RATE_OFFSET, true) };
}
