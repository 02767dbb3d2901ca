/**
 * A linear-phase low-pass filter: windowed sinc with a Kaiser window.
 * @param cutoff the -6 dB point as a share of the sample rate, below 0.5
 * @returns `taps` coefficients, symmetric, that add up to 1
 */
export function kaiserLowPass(taps: number, cutoff: number, beta: number): Float64Array {
  const middle = (taps - 1) / 2;
  const coefficients = new Float64Array(taps);
  let sum = 0;
  for (let index = 0; index < taps; index++) {
    const distance = index - middle;
    const window = besselI0(beta * Math.sqrt(Math.max(0, 1 - (distance / middle) ** 2)));
    const value = sinc(2 * cutoff * distance) * window;
    coefficients[index] = value;
    sum += value;
  }
  return coefficients.map((value) => value / sum);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
