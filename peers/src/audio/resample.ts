import type { AudioFrame } from '@assistant/server/core/audio-frame';

/** Half the taps of the filter, in samples of the lower rate. */
const HALF_WIDTH = 16;
/** Of the lower rate; the rest up to a half is the filter's slope. */
const CUTOFF = 0.45;

/**
 * A whole sound at another rate: windowed sinc, computed for each sample, slow and exact.
 * NOTE: the server has its own resampler; an instrument must not share the faults of what it measures.
 */
export function resampled(sound: AudioFrame, sampleRate: number): Int16Array {
  if (sound.sampleRate === sampleRate) return sound.samples;
  const ratio = sampleRate / sound.sampleRate;
  const scale = Math.min(1, ratio);
  const reach = HALF_WIDTH / scale;
  const { samples } = sound;
  const result = new Int16Array(Math.floor(samples.length * ratio));
  for (let index = 0; index < result.length; index++) {
    const centre = index / ratio;
    let sum = 0;
    let weights = 0;
    const last = Math.min(samples.length - 1, Math.floor(centre + reach));
    for (let at = Math.max(0, Math.ceil(centre - reach)); at <= last; at++) {
      const weight = sinc(2 * CUTOFF * scale * (at - centre)) * hann((at - centre) / reach);
      sum += (samples[at] as number) * weight;
      weights += weight;
    }
    result[index] = Math.max(-32768, Math.min(32767, Math.round(sum / (weights || 1))));
  }
  return result;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function hann(x: number): number {
  return 0.5 + 0.5 * Math.cos(Math.PI * x);
}
