import { gainOf } from './level.ts';

/** The rows and columns of a telephone's keys, Hz (ITU-T Q.23). */
export const DTMF_ROWS_HZ = [697, 770, 852, 941] as const;
export const DTMF_COLUMNS_HZ = [1209, 1336, 1477, 1633] as const;
/** The keys, row by row. */
export const DTMF_KEYS = '123A456B789C*0#D';

const FULL_SCALE = 32_767;

export type DtmfToneOptions = {
  readonly sampleRate: number;
  readonly toneMs?: number;
  readonly gapMs?: number;
  /** Peak of the lower tone and of the higher one, dBFS. */
  readonly lowDb?: number;
  readonly highDb?: number;
};

/**
 * The tones of a string of keys, each followed by its gap: 100 ms and 60 ms unless told. Levels are those of a phone:
 * -11 dBFS the low tone and -9 the high one, which carries worse.
 * @throws RangeError for a key that no telephone has.
 */
export function dtmfTones(digits: string, options: DtmfToneOptions): Int16Array<ArrayBuffer> {
  const { sampleRate, toneMs = 100, gapMs = 60, lowDb = -11, highDb = -9 } = options;
  const tone = Math.round((toneMs * sampleRate) / 1000);
  const step = tone + Math.round((gapMs * sampleRate) / 1000);
  const samples = new Int16Array(step * digits.length);
  for (const [position, digit] of Array.from(digits.toUpperCase()).entries()) {
    const [rowHz, columnHz] = frequenciesOf(digit);
    for (let index = 0; index < tone; index++) {
      const turn = (2 * Math.PI * index) / sampleRate;
      const value = gainOf(lowDb) * Math.sin(turn * rowHz) + gainOf(highDb) * Math.sin(turn * columnHz);
      samples[position * step + index] = Math.round(FULL_SCALE * Math.max(-1, Math.min(1, value)));
    }
  }
  return samples;
}

function frequenciesOf(digit: string): readonly [number, number] {
  const key = digit.length === 1 ? DTMF_KEYS.indexOf(digit) : -1;
  const rowHz = DTMF_ROWS_HZ[key >> 2];
  const columnHz = DTMF_COLUMNS_HZ[key & 3];
  if (key < 0 || rowHz === undefined || columnHz === undefined) {
    throw new RangeError(`A telephone has no key ${JSON.stringify(digit)}; use 0-9, *, #, A-D`);
  }
  return [rowHz, columnHz];
}
