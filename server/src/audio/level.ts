/** The level reported for digital silence, dBFS. */
export const SILENCE_DB = -100;

const FULL_SCALE = 32_768;

/** RMS of linear samples in dBFS: 0 for a full-scale square wave, -3 for a full-scale sine, never below `SILENCE_DB`. */
export function levelDb(samples: Int16Array): number {
  if (samples.length === 0) return SILENCE_DB;
  let sum = 0;
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index] as number;
    sum += sample * sample;
  }
  const rms = Math.sqrt(sum / samples.length) / FULL_SCALE;
  return Math.max(SILENCE_DB, 20 * Math.log10(rms));
}

/** The factor that changes a level by `db`. */
export function gainOf(db: number): number {
  return 10 ** (db / 20);
}
