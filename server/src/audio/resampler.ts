import { kaiserLowPass } from './kaiser.ts';

/** Taps a phase when the rate rises; falling rates need the same span of time, so proportionally more. A multiple of 4. */
const TAPS = 32;
const KAISER_BETA = 8;
/**
 * The -6 dB point, as a share of the lower rate. A telephone needs all of its band; where there is band to spare, what lies just
 * above the lower Nyquist frequency is kept out the better.
 */
const CUTOFF = 0.46;
const WIDE_CUTOFF = 0.44;
const WIDE_RATE = 16_000;
/** Input samples worked on at a time: longer calls are split, so the working memory is fixed. */
const BLOCK = 480;
/** More phases than any pair of telephone and speech rates needs (22,050 -> 8000: 160). */
const MAX_PHASES = 1_000;

type Filter = {
  /** Interpolation and decimation: out = in * up / down. */
  readonly up: number;
  readonly down: number;
  readonly taps: number;
  /** `up` phases of `taps` coefficients, each in the order of the samples it meets. */
  readonly phases: readonly Float64Array[];
};

/**
 * Changes the sample rate of a stream of 16-bit samples: a polyphase Kaiser FIR. Measured on 20 ms frames: SNR at 1 kHz
 * 90 dB and more, alias of a tone 1 kHz above the lower Nyquist frequency below -80 dB, delay 2 ms between 8 and 16 kHz.
 * Chunks may have any length; what is cut in two gives the same samples as in one piece. One instance a direction a call.
 */
export class Resampler {
  readonly inputRate: number;
  readonly outputRate: number;
  readonly #filter: Filter;
  /** The last taps-1 samples, then the block under work. */
  readonly #line: Float64Array;
  /** Where the next output sample lies: whole input samples into the next block, and its phase. */
  #next = 0;
  #phase = 0;

  /** @throws RangeError unless both rates are whole, positive, and in a ratio of at most 1000 phases. */
  constructor(inputRate: number, outputRate: number) {
    this.inputRate = inputRate;
    this.outputRate = outputRate;
    this.#filter = filterFor(inputRate, outputRate);
    this.#line = new Float64Array(this.#filter.taps - 1 + BLOCK);
  }

  /** How late the output is, in milliseconds: half the filter's length. */
  get delayMs(): number {
    if (this.inputRate === this.outputRate) return 0;
    const { up, taps } = this.#filter;
    return (((taps * up - 1) / 2 / up) * 1000) / this.inputRate;
  }

  /** The exact number of samples the next `process` of so many input samples will write. */
  outputLength(inputSamples: number): number {
    const { up, down } = this.#filter;
    const left = inputSamples * up - (this.#next * up + this.#phase);
    return Math.max(0, Math.ceil(left / down));
  }

  /**
   * Writes the converted samples to `output` from its start and returns their number. Allocates nothing.
   * @throws RangeError when `output` is shorter than `outputLength(input.length)`; nothing is consumed then.
   */
  process(input: Int16Array, output: Int16Array): number {
    const needed = this.outputLength(input.length);
    if (output.length < needed) {
      throw new RangeError(`Resampler output holds ${output.length} samples, ${needed} are needed`);
    }
    if (this.inputRate === this.outputRate) return copy(input, output);
    const line = this.#line;
    const history = this.#filter.taps - 1;
    let written = 0;
    for (let start = 0; start < input.length; start += BLOCK) {
      const count = Math.min(BLOCK, input.length - start);
      for (let index = 0; index < count; index++) line[history + index] = input[start + index] as number;
      written = this.#convertBlock(count, output, written);
      line.copyWithin(0, count, count + history);
    }
    return written;
  }

  /** As `process`, into a new array of the right length. */
  convert(input: Int16Array): Int16Array<ArrayBuffer> {
    const output = new Int16Array(this.outputLength(input.length));
    this.process(input, output);
    return output;
  }

  /** The tail of the stream: what is still inside the filter, as a new array. Starts anew afterwards. */
  flush(): Int16Array<ArrayBuffer> {
    const tail = this.convert(new Int16Array(Math.round((this.delayMs * this.inputRate) / 1000)));
    this.reset();
    return tail;
  }

  /** Forgets the stream so far: after a flush of playback or a hole. */
  reset(): void {
    this.#line.fill(0);
    this.#next = 0;
    this.#phase = 0;
  }

  #convertBlock(count: number, output: Int16Array, from: number): number {
    const { up, down, phases } = this.#filter;
    const line = this.#line;
    const wholeStep = Math.floor(down / up);
    const phaseStep = down % up;
    let next = this.#next;
    let phase = this.#phase;
    let written = from;
    while (next < count) {
      output[written++] = round(dot(phases[phase] as Float64Array, line, next));
      next += wholeStep;
      phase += phaseStep;
      if (phase >= up) {
        phase -= up;
        next++;
      }
    }
    this.#next = next - count;
    this.#phase = phase;
    return written;
  }
}

/** Converts a whole recording: no delay, length scaled by the rates. */
export function resampleWhole(samples: Int16Array, inputRate: number, outputRate: number): Int16Array<ArrayBuffer> {
  const resampler = new Resampler(inputRate, outputRate);
  const delay = Math.round((resampler.delayMs * outputRate) / 1000);
  const length = Math.ceil((samples.length * outputRate) / inputRate);
  const body = resampler.convert(samples);
  const whole = new Int16Array(body.length + delay + 1);
  whole.set(body);
  whole.set(resampler.flush().subarray(0, delay + 1), body.length);
  return whole.slice(delay, delay + length);
}

/** Four accumulators, so that the additions need not wait for each other. */
function dot(coefficients: Float64Array, line: Float64Array, start: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let tap = 0; tap < coefficients.length; tap += 4) {
    const at = start + tap;
    sum0 += (coefficients[tap] as number) * (line[at] as number);
    sum1 += (coefficients[tap + 1] as number) * (line[at + 1] as number);
    sum2 += (coefficients[tap + 2] as number) * (line[at + 2] as number);
    sum3 += (coefficients[tap + 3] as number) * (line[at + 3] as number);
  }
  return sum0 + sum1 + (sum2 + sum3);
}

function round(value: number): number {
  if (value >= 32_767) return 32_767;
  if (value <= -32_768) return -32_768;
  return Math.floor(value + 0.5);
}

function copy(input: Int16Array, output: Int16Array): number {
  output.set(input);
  return input.length;
}

/** Filters by their ratio and cut-off: they never change once made, and building one takes longer than a frame may. */
const filters = new Map<string, Filter>();

function filterFor(inputRate: number, outputRate: number): Filter {
  for (const rate of [inputRate, outputRate]) {
    if (!Number.isInteger(rate) || rate <= 0)
      throw new RangeError(`A sample rate is a positive whole number, got ${rate}`);
  }
  const divisor = greatestCommonDivisor(inputRate, outputRate);
  const up = outputRate / divisor;
  const down = inputRate / divisor;
  if (up > MAX_PHASES) throw new RangeError(`No filter for ${inputRate} -> ${outputRate} Hz: ${up} phases`);
  const cutoff = Math.min(inputRate, outputRate) < WIDE_RATE ? CUTOFF : WIDE_CUTOFF;
  const key = `${up}/${down} ${cutoff}`;
  const filter = filters.get(key) ?? designFilter(up, down, cutoff);
  filters.set(key, filter);
  return filter;
}

function designFilter(up: number, down: number, cutoff: number): Filter {
  const taps = 4 * Math.ceil((TAPS * Math.max(1, down / up)) / 4);
  const prototype = kaiserLowPass(taps * up, cutoff / Math.max(up, down), KAISER_BETA);
  const phases = Array.from({ length: up }, (_, phase) =>
    Float64Array.from({ length: taps }, (_, tap) => up * (prototype[phase + (taps - 1 - tap) * up] as number)),
  );
  return { up, down, taps, phases };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
