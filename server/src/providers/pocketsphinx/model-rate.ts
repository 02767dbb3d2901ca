import { BandExtension } from '../../audio/band-extension.ts';
import { resampleWhole } from '../../audio/resampler.ts';

/** What the en-us acoustic model was trained on, Hz. */
const MODEL_RATE = 16_000;
const TELEPHONE_RATE = 8_000;

/** Brings a whole utterance to 16 kHz. Telephone audio gets an upper band, without which the model fails. */
export function toModelRate(samples: Int16Array, sampleRate: number): Int16Array {
  if (sampleRate === TELEPHONE_RATE) return new BandExtension().convert(samples);
  return sampleRate === MODEL_RATE ? samples : resampleWhole(samples, sampleRate, MODEL_RATE);
}
