/** What a level is when there is no sound at all: below the smallest step of 16 bits. */
export const SILENCE_DBFS = -100;

/** RMS level of 16-bit samples in dB below full scale (a square wave of 32768 is 0); SILENCE_DBFS for digital silence. */
export function levelDbfs(samples: Int16Array, from = 0, to = samples.length): number {
  let sum = 0;
  for (let index = from; index < to; index++) sum += (samples[index] as number) ** 2;
  if (sum === 0 || to <= from) return SILENCE_DBFS;
  return Math.max(SILENCE_DBFS, 10 * Math.log10(sum / (to - from) / 32768 ** 2));
}

/** The largest sample, in dB below full scale. */
export function peakDbfs(samples: Int16Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak === 0 ? SILENCE_DBFS : 20 * Math.log10(peak / 32768);
}

/** The samples made louder or softer, clipped at full scale. */
export function amplified(samples: Int16Array, gainDb: number): Int16Array {
  const gain = 10 ** (gainDb / 20);
  return samples.map((sample) => Math.max(-32768, Math.min(32767, Math.round(sample * gain))));
}

/** The same sound at an RMS level over its whole length. */
export function atLevel(samples: Int16Array, dbfs: number): Int16Array {
  return amplified(samples, dbfs - levelDbfs(samples));
}
