import { describe, expect, test } from 'vitest';
import { productGauges, readMetrics } from './metrics.ts';

describe('a page of metrics', () => {
  test('the gauges of the product are told from counters and from those of the process', () => {
    const page = [
      '# HELP calls_live live calls',
      '# TYPE calls_live gauge',
      'calls_live{channel="audiosocket"} 2',
      'calls_live{channel="sip trunk"} 0',
      '# TYPE calls_total counter',
      'calls_total 7',
      '# TYPE nodejs_heap_size_used_bytes gauge',
      'nodejs_heap_size_used_bytes 1e6',
    ].join('\n');

    expect(productGauges(readMetrics(page))).toEqual({
      'calls_live{channel="audiosocket"}': 2,
      'calls_live{channel="sip trunk"}': 0,
    });
  });
});
