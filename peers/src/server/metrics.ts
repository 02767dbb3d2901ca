/** Samples of a Prometheus page by name and labels, as they stand there: `calls_live{channel="audiosocket"}`. */
export type Metrics = {
  readonly values: ReadonlyMap<string, number>;
  /** Names that are gauges. */
  readonly gauges: ReadonlySet<string>;
};

/** Reads the text format of Prometheus 0.0.4. */
export function readMetrics(text: string): Metrics {
  const values = new Map<string, number>();
  const gauges = new Set<string>();
  for (const line of text.split('\n')) {
    const [, gauge] = /^# TYPE (\S+) gauge$/.exec(line) ?? [];
    if (gauge) gauges.add(gauge);
    const [, name, value] = /^([a-zA-Z_:][^ {]*(?:\{.*\})?) (\S+)/.exec(line) ?? [];
    if (name && value) values.set(name, Number(value));
  }
  return { values, gauges };
}

/** The gauges of the product itself: those of the Node process (heap, event loop delay) go up and down as they like. */
export function productGauges({ values, gauges }: Metrics): Record<string, number> {
  const isOfProcess = (name: string) => /^(process_|nodejs_|event_loop_)/.test(name);
  const isGauge = (sample: string) => gauges.has(sample.replace(/\{.*/, ''));
  return Object.fromEntries([...values].filter(([sample]) => isGauge(sample) && !isOfProcess(sample)));
}
