/** p50, p99, p99.9 and the maximum, rounded to a hundredth; sorts `values`. */
export function percentiles(values: Float64Array): { p50: number; p99: number; p999: number; max: number } {
  values.sort();
  const at = (share: number) => hundredth(values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

export function hundredth(value: number): number {
  return Math.round(value * 100) / 100;
}
