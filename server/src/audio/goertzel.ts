/** The constant of Goertzel's recursion for one frequency. */
export function goertzelCoefficient(frequencyHz: number, sampleRate: number): number {
  return 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRate);
}

/**
 * The powers of four frequencies in `samples` (Goertzel 1958): |X|², for a sine the square of its amplitude times (length / 2)².
 * The resolution is sampleRate / length. Each waits for its own last result, so four side by side take hardly longer than one.
 * Reads the first `powers.length`, which is 4, of `coefficients`.
 */
export function goertzelPowers(samples: Float64Array, coefficients: Float64Array, powers: Float64Array): void {
  const c0 = coefficients[0] as number;
  const c1 = coefficients[1] as number;
  const c2 = coefficients[2] as number;
  const c3 = coefficients[3] as number;
  let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index] as number;
    const n0 = sample + c0 * a0 - b0;
    const n1 = sample + c1 * a1 - b1;
    const n2 = sample + c2 * a2 - b2;
    const n3 = sample + c3 * a3 - b3;
    b0 = a0;
    b1 = a1;
    b2 = a2;
    b3 = a3;
    a0 = n0;
    a1 = n1;
    a2 = n2;
    a3 = n3;
  }
  powers[0] = a0 * a0 + b0 * b0 - c0 * a0 * b0;
  powers[1] = a1 * a1 + b1 * b1 - c1 * a1 * b1;
  powers[2] = a2 * a2 + b2 * b2 - c2 * a2 * b2;
  powers[3] = a3 * a3 + b3 * b3 - c3 * a3 * b3;
}
