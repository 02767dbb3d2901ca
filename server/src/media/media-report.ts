import type { Clock } from '../core/ports/clock.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { MediaCounters } from './media-counters.ts';

const REPORT_EVERY_MS = 1000;

const TOTALS = {
  framesIn: 'media_frames_in_total',
  framesOut: 'media_frames_out_total',
  skips: 'media_pacer_skips_total',
  underruns: 'media_underruns_total',
  dropsOut: 'media_frames_dropped_total',
  stalls: 'media_peer_stalls_total',
  refused: 'media_sockets_refused_total',
  malformed: 'media_malformed_total',
  strangers: 'media_strangers_total',
  socketErrors: 'media_socket_errors_total',
  samplesDroppedIn: 'media_caller_samples_dropped_total',
  lateVerbs: 'media_late_verbs_total',
  restarts: 'media_worker_restarts_total',
} as const satisfies Partial<Record<keyof MediaCounters, string>>;

const GAUGES = {
  activeCalls: 'media_active_calls',
  unnamedSockets: 'media_unnamed_sockets',
  framesInUse: 'media_frames_in_use',
  rtpPorts: 'media_rtp_port_pairs',
} as const satisfies Partial<Record<keyof MediaCounters, string>>;

/** Hands the worker's counters to the metrics, at most once a second and without a timer: only when the worker speaks. */
export class MediaReport {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  #atMs = Number.NEGATIVE_INFINITY;
  readonly #told = new Map<string, number>();

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** @param isIdle the last call is over: told at once, as the worker says nothing more. */
  publish(isIdle: boolean, read: () => MediaCounters): void {
    const nowMs = this.#clock.nowMs();
    if (!isIdle && nowMs - this.#atMs < REPORT_EVERY_MS) return;
    this.#atMs = nowMs;
    const counters = read();
    for (const [key, name] of Object.entries(GAUGES)) this.#metrics.gauge(name, counters[key as keyof typeof GAUGES]);
    for (const [key, name] of Object.entries(TOTALS)) {
      const total = counters[key as keyof typeof TOTALS];
      const before = this.#told.get(name) ?? 0;
      if (total > before) this.#metrics.count(name, {}, total - before);
      this.#told.set(name, total);
    }
  }
}
