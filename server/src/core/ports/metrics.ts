/** Low-cardinality labels only: never an id, a number or a text of a caller. */
export type MetricLabels = Readonly<Record<string, string>>;

/** Counters, gauges and durations, named as Prometheus does (`_total`, `_seconds`). Unknown names are created on first use. */
export interface Metrics {
  count(name: string, labels?: MetricLabels, by?: number): void;
  gauge(name: string, value: number, labels?: MetricLabels): void;
  /** Seconds. */
  observe(name: string, seconds: number, labels?: MetricLabels): void;
}
