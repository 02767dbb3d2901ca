/** A sine of `amplitude` (peak, linear). */
export function sine(hz: number, sampleRate: number, samples: number, amplitude = 20_000): Int16Array<ArrayBuffer> {
  return Int16Array.from({ length: samples }, (_, index) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * index) / sampleRate)),
  );
}

/** Two signals on one line. */
export function mix(a: Int16Array, b: Int16Array): Int16Array<ArrayBuffer> {
  return Int16Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0));
}

export function concat(...parts: readonly Int16Array[]): Int16Array<ArrayBuffer> {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** White noise of `amplitude` (peak), the same for the same seed. */
export function whiteNoise(samples: number, amplitude: number, seed = 1): Int16Array<ArrayBuffer> {
  let state = seed;
  return Int16Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round(amplitude * (state / 2 ** 31 - 1));
  });
}

/** The best-fitting sine of a frequency: its peak amplitude, and its power over that of all the rest, dB. */
export function fitSine(
  signal: Int16Array,
  hz: number,
  sampleRate: number,
): { readonly amplitude: number; readonly snrDb: number } {
  const turn = (2 * Math.PI * hz) / sampleRate;
  let inPhase = 0;
  let quadrature = 0;
  for (const [index, sample] of signal.entries()) {
    inPhase += (2 / signal.length) * sample * Math.sin(turn * index);
    quadrature += (2 / signal.length) * sample * Math.cos(turn * index);
  }
  let wanted = 0;
  let rest = 0;
  for (const [index, sample] of signal.entries()) {
    const model = inPhase * Math.sin(turn * index) + quadrature * Math.cos(turn * index);
    wanted += model ** 2;
    rest += (sample - model) ** 2;
  }
  return { amplitude: Math.hypot(inPhase, quadrature), snrDb: 10 * Math.log10(wanted / rest) };
}
