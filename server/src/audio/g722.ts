/**
 * G.722 at 64 kbit/s (ITU-T G.722, mode 1): 16 kHz linear in, one byte for each two samples out. Two bands of 8 kHz, split by a
 * quadrature mirror filter, each an adaptive differential code: 6 bits for the lower, 2 for the upper.
 *
 *      7   6   5   4   3   2   1   0
 *     +-------+-----------------------+
 *     | upper |         lower         |
 *     +-------+-----------------------+
 *
 * The names in brackets are the blocks of the recommendation. Nothing is allocated per frame.
 */

/** Decision levels of the lower band's quantizer [QUANTL]. */
const LOWER_LEVELS = [
  0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
  1458, 1612, 1765, 1980, 2195, 2557, 2919,
] as const;
/** Its values at 6 bits, and at the 4 bits the prediction runs on [INVQBL, INVQAL]. */
const LOWER_VALUES = Int16Array.of(
  ...[
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
  ],
  ...[-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728],
  ...[24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456],
  ...[4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136],
);
const LOWER_COARSE = Int16Array.of(
  ...[0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0],
);
const UPPER_VALUES = Int16Array.of(-7408, -1616, 7408, 1616);
const UPPER_LEVEL = 564;
/** How the logarithmic step moves on a code [LOGSCL, LOGSCH]. */
const LOWER_STEPS = Int16Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60);
const UPPER_STEPS = Int16Array.of(798, -214, 798, -214);
const LOWER_STEP_LIMIT = 18_432;
const UPPER_STEP_LIMIT = 22_528;
/** 2^(i/32) in units of 1/2048. */
const MANTISSAS = Int16Array.from({ length: 32 }, (_, index) => Math.round(2048 * 2 ** (index / 32)));
/** The mirror filter's coefficients, half of 24. */
const MIRROR = Int16Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);

function saturate(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}

/** The adaptive predictor of one band [block 4]: two poles, six zeros. */
class Predictor {
  /** The prediction, and its part from the zeros. */
  estimate = 0;
  logStep = 0;
  step: number;
  #zeroPart = 0;
  readonly #poles = new Int32Array(3);
  readonly #zeros = new Int32Array(7);
  readonly #differences = new Int32Array(7);
  readonly #partials = new Int32Array(3);
  readonly #reconstructed = new Int32Array(3);

  constructor(step: number) {
    this.step = step;
  }

  /** The step from its logarithm [SCALEL, SCALEH]: `base` is 8 for the lower band, 10 for the upper. */
  adapt(change: number, limit: number, base: 8 | 10): void {
    this.logStep = Math.min(limit, Math.max(0, ((this.logStep * 127) >> 7) + change));
    const mantissa = MANTISSAS[(this.logStep >> 6) & 31] as number;
    const shift = base - (this.logStep >> 11);
    this.step = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
  }

  /** Takes the quantized difference and predicts the next sample. */
  update(difference: number): void {
    const partial = saturate(this.#zeroPart + difference);
    this.#adaptPoles(partial);
    this.#adaptZeros(difference);
    const reconstructed = saturate(this.estimate + difference);
    this.#reconstructed[2] = this.#reconstructed[1] as number;
    this.#reconstructed[1] = reconstructed;
    this.#partials[2] = this.#partials[1] as number;
    this.#partials[1] = partial;
    let zeroPart = 0;
    for (let i = 6; i > 0; i--) {
      this.#differences[i] = i === 1 ? difference : (this.#differences[i - 1] as number);
      zeroPart += ((this.#zeros[i] as number) * saturate(2 * (this.#differences[i] as number))) >> 15;
    }
    this.#zeroPart = saturate(zeroPart);
    const one = ((this.#poles[1] as number) * saturate(2 * reconstructed)) >> 15;
    const two = ((this.#poles[2] as number) * saturate(2 * (this.#reconstructed[2] as number))) >> 15;
    this.estimate = saturate(saturate(one + two) + this.#zeroPart);
  }

  /** [UPPOL2, UPPOL1]. */
  #adaptPoles(partial: number): void {
    const isSame1 = partial >> 15 === (this.#partials[1] as number) >> 15;
    const isSame2 = partial >> 15 === (this.#partials[2] as number) >> 15;
    const first = this.#poles[1] as number;
    const second = this.#poles[2] as number;
    const slope = saturate(4 * first);
    let next = Math.min(32_767, isSame1 ? -slope : slope) >> 7;
    next += (isSame2 ? 128 : -128) + ((second * 32_512) >> 15);
    const pole2 = Math.max(-12_288, Math.min(12_288, next));
    const limit = saturate(15_360 - pole2);
    const pole1 = saturate((isSame1 ? 192 : -192) + ((first * 32_640) >> 15));
    this.#poles[1] = Math.max(-limit, Math.min(limit, pole1));
    this.#poles[2] = pole2;
  }

  /** [UPZERO]. */
  #adaptZeros(difference: number): void {
    const gain = difference === 0 ? 0 : 128;
    for (let i = 1; i <= 6; i++) {
      const isSame = (this.#differences[i] as number) >> 15 === difference >> 15;
      this.#zeros[i] = saturate((isSame ? gain : -gain) + (((this.#zeros[i] as number) * 32_640) >> 15));
    }
  }
}

/** The delay line of the mirror filter. */
class MirrorFilter {
  readonly #line = new Int32Array(24);
  /** The sums over the even and the odd taps. */
  even = 0;
  odd = 0;

  push(first: number, second: number): void {
    const line = this.#line;
    line.copyWithin(0, 2);
    line[22] = first;
    line[23] = second;
    let even = 0;
    let odd = 0;
    for (let i = 0; i < 12; i++) {
      odd += (line[2 * i] as number) * (MIRROR[i] as number);
      even += (line[2 * i + 1] as number) * (MIRROR[11 - i] as number);
    }
    this.even = even;
    this.odd = odd;
  }
}

/** Encodes 16 kHz samples; one for each call and direction. */
export class G722Encoder {
  readonly #filter = new MirrorFilter();
  readonly #lower = new Predictor(32);
  readonly #upper = new Predictor(8);

  /** Writes one byte for each two samples to `target`; an odd last sample is left out. Returns the bytes written. */
  encode(samples: Int16Array, target: Uint8Array): number {
    const count = Math.min(samples.length >> 1, target.length);
    for (let i = 0; i < count; i++) {
      this.#filter.push(samples[2 * i] as number, samples[2 * i + 1] as number);
      const lower = (this.#filter.even + this.#filter.odd) >> 14;
      const upper = (this.#filter.even - this.#filter.odd) >> 14;
      target[i] = (this.#encodeUpper(upper) << 6) | this.#encodeLower(lower);
    }
    return count;
  }

  #encodeLower(sample: number): number {
    const band = this.#lower;
    const difference = saturate(sample - band.estimate);
    const size = difference >= 0 ? difference : -(difference + 1);
    let level = 1;
    while (level < 30 && size >= ((LOWER_LEVELS[level] ?? 0) * band.step) >> 12) level++;
    const code = difference < 0 ? (level < 3 ? 64 - level : 34 - level) : 62 - level;
    const coarse = code >> 2;
    const quantized = (band.step * (LOWER_COARSE[coarse] as number)) >> 15;
    band.adapt(LOWER_STEPS[coarse] as number, LOWER_STEP_LIMIT, 8);
    band.update(quantized);
    return code;
  }

  #encodeUpper(sample: number): number {
    const band = this.#upper;
    const difference = saturate(sample - band.estimate);
    const size = difference >= 0 ? difference : -(difference + 1);
    const isLarge = size >= (UPPER_LEVEL * band.step) >> 12;
    const code = difference < 0 ? (isLarge ? 0 : 1) : isLarge ? 2 : 3;
    const quantized = (band.step * (UPPER_VALUES[code] as number)) >> 15;
    band.adapt(UPPER_STEPS[code] as number, UPPER_STEP_LIMIT, 10);
    band.update(quantized);
    return code;
  }
}

/** Decodes to 16 kHz samples; one for each call and direction. */
export class G722Decoder {
  readonly #filter = new MirrorFilter();
  readonly #lower = new Predictor(32);
  readonly #upper = new Predictor(8);

  /** Writes two samples for each of bytes[start, end) to `target`. Returns the samples written. */
  decode(bytes: Uint8Array, target: Int16Array, start = 0, end = bytes.length): number {
    const count = Math.min(end - start, target.length >> 1);
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + i] as number;
      const lower = this.#decodeLower(byte & 0x3f);
      const upper = this.#decodeUpper(byte >> 6);
      this.#filter.push(lower + upper, lower - upper);
      target[2 * i] = saturate(this.#filter.even >> 11);
      target[2 * i + 1] = saturate(this.#filter.odd >> 11);
    }
    return 2 * count;
  }

  #decodeLower(code: number): number {
    const band = this.#lower;
    const sample = band.estimate + ((band.step * (LOWER_VALUES[code] as number)) >> 15);
    const coarse = code >> 2;
    const quantized = (band.step * (LOWER_COARSE[coarse] as number)) >> 15;
    band.adapt(LOWER_STEPS[coarse] as number, LOWER_STEP_LIMIT, 8);
    band.update(quantized);
    return Math.max(-16_384, Math.min(16_383, sample));
  }

  #decodeUpper(code: number): number {
    const band = this.#upper;
    const quantized = (band.step * (UPPER_VALUES[code] as number)) >> 15;
    const sample = band.estimate + quantized;
    band.adapt(UPPER_STEPS[code] as number, UPPER_STEP_LIMIT, 10);
    band.update(quantized);
    return Math.max(-16_384, Math.min(16_383, sample));
  }
}
