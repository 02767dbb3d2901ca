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
const LOWER_LEVELS = Int16Array.of(
  ...[
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
  ],
);
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
  #pole1 = 0;
  #pole2 = 0;
  #zero1 = 0;
  #zero2 = 0;
  #zero3 = 0;
  #zero4 = 0;
  #zero5 = 0;
  #zero6 = 0;
  /** The last six differences and two reconstructed samples, the newest first, twice as large: only so are they needed. */
  #difference1 = 0;
  #difference2 = 0;
  #difference3 = 0;
  #difference4 = 0;
  #difference5 = 0;
  #difference6 = 0;
  #reconstructed1 = 0;
  /** Sums of the difference and the zeros' part. */
  #partial1 = 0;
  #partial2 = 0;

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
    this.#partial2 = this.#partial1;
    this.#partial1 = partial;
    this.#zeroPart = this.#adaptZeros(difference);
    const before = this.#reconstructed1;
    const reconstructed = saturate(2 * saturate(this.estimate + difference));
    this.#reconstructed1 = reconstructed;
    const one = Math.imul(this.#pole1, reconstructed) >> 15;
    const two = Math.imul(this.#pole2, before) >> 15;
    this.estimate = saturate(saturate(one + two) + this.#zeroPart);
  }

  /** [UPPOL2, UPPOL1]. */
  #adaptPoles(partial: number): void {
    const isSame1 = (partial ^ this.#partial1) >= 0;
    const isSame2 = (partial ^ this.#partial2) >= 0;
    const slope = saturate(4 * this.#pole1);
    let next = Math.min(32_767, isSame1 ? -slope : slope) >> 7;
    next += (isSame2 ? 128 : -128) + (Math.imul(this.#pole2, 32_512) >> 15);
    const pole2 = Math.max(-12_288, Math.min(12_288, next));
    const limit = saturate(15_360 - pole2);
    const pole1 = saturate((isSame1 ? 192 : -192) + (Math.imul(this.#pole1, 32_640) >> 15));
    this.#pole1 = Math.max(-limit, Math.min(limit, pole1));
    this.#pole2 = pole2;
  }

  /** Adapts the zeros [UPZERO], moves the differences on, and returns the zeros' part of the next prediction [FILTEZ]. */
  #adaptZeros(difference: number): number {
    const gain = difference === 0 ? 0 : 128;
    const newest = saturate(2 * difference);
    this.#zero1 = adapted(this.#zero1, newest ^ this.#difference1, gain);
    this.#zero2 = adapted(this.#zero2, newest ^ this.#difference2, gain);
    this.#zero3 = adapted(this.#zero3, newest ^ this.#difference3, gain);
    this.#zero4 = adapted(this.#zero4, newest ^ this.#difference4, gain);
    this.#zero5 = adapted(this.#zero5, newest ^ this.#difference5, gain);
    this.#zero6 = adapted(this.#zero6, newest ^ this.#difference6, gain);
    this.#difference6 = this.#difference5;
    this.#difference5 = this.#difference4;
    this.#difference4 = this.#difference3;
    this.#difference3 = this.#difference2;
    this.#difference2 = this.#difference1;
    this.#difference1 = newest;
    return saturate(
      (Math.imul(this.#zero1, newest) >> 15) +
        (Math.imul(this.#zero2, this.#difference2) >> 15) +
        (Math.imul(this.#zero3, this.#difference3) >> 15) +
        (Math.imul(this.#zero4, this.#difference4) >> 15) +
        (Math.imul(this.#zero5, this.#difference5) >> 15) +
        (Math.imul(this.#zero6, this.#difference6) >> 15),
    );
  }
}

/** A zero, drawn towards the sign of its difference times the newest: `signs` is negative where these differ. */
function adapted(zero: number, signs: number, gain: number): number {
  return saturate((signs >= 0 ? gain : -gain) + (Math.imul(zero, 32_640) >> 15));
}

/** Samples the mirror filter looks back, without the newest two. */
const MIRROR_HISTORY = 22;
/** Samples until its line is moved back to the start. */
const MIRROR_LINE = 640;

/** The delay line of the mirror filter. */
class MirrorFilter {
  readonly #line = new Int32Array(MIRROR_HISTORY + MIRROR_LINE);
  #at = 0;
  /** The sums over the even and the odd taps. */
  even = 0;
  odd = 0;

  push(first: number, second: number): void {
    const line = this.#line;
    if (this.#at === MIRROR_LINE) {
      line.copyWithin(0, this.#at);
      this.#at = 0;
    }
    const at = this.#at;
    line[at + MIRROR_HISTORY] = first;
    line[at + MIRROR_HISTORY + 1] = second;
    let even = 0;
    let odd = 0;
    for (let i = 0; i < 12; i++) {
      odd += Math.imul(line[at + 2 * i] as number, MIRROR[i] as number);
      even += Math.imul(line[at + 2 * i + 1] as number, MIRROR[11 - i] as number);
    }
    this.#at = at + 2;
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
    const level = levelOf(size, band.step);
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

/** The first decision level, 1 to 30, that lies above a difference of the lower band; by halves. */
function levelOf(size: number, step: number): number {
  let low = 1;
  let high = 30;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (size >= Math.imul(LOWER_LEVELS[middle] as number, step) >> 12) low = middle + 1;
    else high = middle;
  }
  return low;
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
