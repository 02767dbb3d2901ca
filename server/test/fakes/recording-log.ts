import type { EventLog, LogFields } from '@assistant/server/core/ports/event-log';
import type { MetricLabels, Metrics } from '@assistant/server/core/ports/metrics';

export type LogEntry = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
  readonly error?: unknown;
};

/** A log that keeps its lines for the test to read. */
export class RecordingLog implements EventLog {
  readonly entries: LogEntry[];
  readonly #fields: LogFields;

  constructor(entries: LogEntry[] = [], fields: LogFields = {}) {
    this.entries = entries;
    this.#fields = fields;
  }

  /** The names of what was told, in order. */
  get events(): string[] {
    return this.entries.map((entry) => entry.event);
  }

  debug(event: string, fields?: LogFields): void {
    this.#keep('debug', event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#keep('info', event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#keep('warn', event, fields);
  }

  error(event: string, fields?: LogFields, error?: unknown): void {
    this.entries.push({ level: 'error', event, fields: { ...this.#fields, ...fields }, error });
  }

  with(fields: LogFields): EventLog {
    return new RecordingLog(this.entries, { ...this.#fields, ...fields });
  }

  #keep(level: LogEntry['level'], event: string, fields: LogFields | undefined): void {
    this.entries.push({ level, event, fields: { ...this.#fields, ...fields } });
  }
}

/** Metrics that add up in memory: counters and the last value of gauges, by name and labels. */
export class RecordingMetrics implements Metrics {
  readonly #values = new Map<string, number>();

  count(name: string, labels?: MetricLabels, by = 1): void {
    const key = keyOf(name, labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  gauge(name: string, value: number, labels?: MetricLabels): void {
    this.#values.set(keyOf(name, labels), value);
  }

  /** Counts the observations. */
  observe(name: string, _seconds: number, labels?: MetricLabels): void {
    this.count(name, labels);
  }

  value(name: string, labels?: MetricLabels): number {
    return this.#values.get(keyOf(name, labels)) ?? 0;
  }
}

function keyOf(name: string, labels: MetricLabels = {}): string {
  return JSON.stringify([name, ...Object.entries(labels).sort()]);
}
