/** The constant of Goertzel's recursion for one frequency. */
export function goertzelCoefficient(frequencyHz: number, sampleRate: number): number {
  return 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRate);
}

/**
 * The power of one frequency in `samples` (Goertzel 1958): |X|², the square of a sine's amplitude times (length / 2)².
 * The resolution is sampleRate / length.
 */
export function goertzelPower(samples: Float64Array, coefficient: number): number {
  let previous = 0;
  let beforeThat = 0;
  for (let index = 0; index < samples.length; index++) {
    const current = (samples[index] as number) + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = current;
  }
  return previous * previous + beforeThat * beforeThat - coefficient * previous * beforeThat;
}
