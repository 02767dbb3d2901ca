import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricLabels, Metrics } from '../core/ports/metrics.ts';

/** Seconds: from a fast webhook to the longest sentence. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10];
const NANOSECONDS = 1e-9;
const LOOP_RESOLUTION_MS = 10;
const MISUSED = 'metrics_misused_total';

type Kind = 'counter' | 'gauge' | 'histogram';

/** Metrics for Prometheus, the process's own and its event loop's among them. Recording never throws. */
export class PrometheusMetrics implements Metrics, Disposable {
  readonly #registry = new Registry();
  readonly #reports: (() => void)[] = [];
  readonly #known = new Map<string, { kind: Kind; metric: Counter | Gauge | Histogram }>();
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });

  constructor() {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS });
    this.#loop.enable();
    const loop = this.#loop;
    new Gauge({
      name: 'event_loop_delay_seconds',
      help: 'How late the main thread was, by quantile, since the scrape before',
      labelNames: ['quantile'],
      registers: [this.#registry],
      collect() {
        this.set({ quantile: '0.5' }, loop.percentile(50) * NANOSECONDS);
        this.set({ quantile: '0.99' }, loop.percentile(99) * NANOSECONDS);
        this.set({ quantile: '1' }, loop.max * NANOSECONDS);
        loop.reset();
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** How late the main thread was at the 99th percentile since the last scrape, ms. */
  get eventLoopDelayP99Ms(): number {
    return this.#loop.percentile(99) / 1e6;
  }

  /** Called before each scrape: for what is counted elsewhere and handed over now and then. */
  beforeScrape(report: () => void): void {
    this.#reports.push(report);
  }

  /** All metrics in Prometheus's text format 0.0.4. */
  text(): Promise<string> {
    for (const report of this.#reports) report();
    return this.#registry.metrics();
  }

  count(name: string, labels: MetricLabels = {}, by = 1): void {
    this.#record('counter', name, labels, (metric) => (metric as Counter).inc({ ...labels }, by));
  }

  gauge(name: string, value: number, labels: MetricLabels = {}): void {
    this.#record('gauge', name, labels, (metric) => (metric as Gauge).set({ ...labels }, value));
  }

  observe(name: string, seconds: number, labels: MetricLabels = {}): void {
    this.#record('histogram', name, labels, (metric) => (metric as Histogram).observe({ ...labels }, seconds));
  }

  [Symbol.dispose](): void {
    this.#loop.disable();
    this.#registry.clear();
  }

  /** A name used as another kind, or with other labels than at first, is counted and otherwise left. */
  #record(kind: Kind, name: string, labels: MetricLabels, write: (metric: unknown) => void): void {
    try {
      const known = this.#known.get(name) ?? this.#create(kind, name, Object.keys(labels));
      if (known.kind !== kind) throw new TypeError(`${name} is a ${known.kind}`);
      write(known.metric);
    } catch {
      if (name !== MISUSED) this.count(MISUSED, { metric: name });
    }
  }

  #create(kind: Kind, name: string, labelNames: string[]) {
    const options = { name, help: name.replaceAll('_', ' '), labelNames, registers: [this.#registry] };
    const metric =
      kind === 'counter'
        ? new Counter(options)
        : kind === 'gauge'
          ? new Gauge(options)
          : new Histogram({ ...options, buckets: BUCKETS });
    const created = { kind, metric };
    this.#known.set(name, created);
    return created;
  }
}
