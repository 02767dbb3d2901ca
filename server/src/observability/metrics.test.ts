import { afterEach, beforeEach, expect, test } from 'vitest';
import { PrometheusMetrics } from './metrics.ts';

let metrics: PrometheusMetrics;
beforeEach(() => {
  metrics = new PrometheusMetrics();
});
afterEach(() => metrics[Symbol.dispose]());

test('counters, gauges and durations come out as Prometheus reads them', async () => {
  metrics.count('calls_received_total', { channel: 'asterisk' });
  metrics.count('calls_received_total', { channel: 'asterisk' }, 2);
  metrics.gauge('calls_active', 3, { channel: 'asterisk' });
  metrics.observe('turn_latency_seconds', 0.3, { stage: 'tts' });

  const text = await metrics.text();

  expect(text).toContain('calls_received_total{channel="asterisk"} 3\n');
  expect(text).toContain('calls_active{channel="asterisk"} 3\n');
  expect(text).toContain('turn_latency_seconds_bucket{le="0.2",stage="tts"} 0\n');
  expect(text).toContain('turn_latency_seconds_bucket{le="0.35",stage="tts"} 1\n');
  expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test("the event loop's delay and the process's figures are there without being asked for", async () => {
  const text = await metrics.text();

  expect(text).toMatch(/event_loop_delay_seconds\{quantile="0.99"\} \d/);
  expect(text).toMatch(/process_resident_memory_bytes \d/);
});

test('a wrong use is counted and never throws', async () => {
  metrics.count('x_total', { a: '1' });
  metrics.count('x_total', { b: '1' });
  metrics.gauge('x_total', 1);
  metrics.count('not a name');
  metrics.count('x_total', { a: '1' }, -1);

  const text = await metrics.text();

  expect(text).toContain('x_total{a="1"} 1\n');
  expect(text).toContain('metrics_misused_total{metric="x_total"} 3\n');
  expect(text).toContain('metrics_misused_total{metric="not a name"} 1\n');
});

test('two of them do not share their counts', async () => {
  const other = new PrometheusMetrics();
  other.count('y_total');

  expect(await metrics.text()).not.toContain('y_total');
  other[Symbol.dispose]();
});

test('what is counted elsewhere is handed over before each scrape', async () => {
  using metrics = new PrometheusMetrics();
  let sockets = 2;
  metrics.beforeScrape(() => metrics.gauge('sockets_open', sockets));

  expect(await metrics.text()).toContain('sockets_open 2');
  sockets = 0;
  expect(await metrics.text()).toContain('sockets_open 0');
});
