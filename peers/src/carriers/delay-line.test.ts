import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { seededRandom } from '../seeded-random.ts';
import { DelayLine, NO_DELAY } from './delay-line.ts';

test('whatever the jitter, what was sent first arrives first, and nothing before its delay', async () => {
  const arrived: [item: number, tookMs: number][] = [];
  const all = Promise.withResolvers<void>();
  const sentMs: number[] = [];
  const line = new DelayLine<number>({ oneWayMs: 10, jitterMs: 20, random: seededRandom(1) }, (item) => {
    arrived.push([item, performance.now() - (sentMs[item] ?? 0)]);
    if (arrived.length === 50) all.resolve();
  });

  for (let item = 0; item < 50; item++) {
    sentMs.push(performance.now());
    line.send(item);
  }
  await all.promise;

  expect(arrived.map(([item]) => item)).toEqual(Array.from({ length: 50 }, (_, item) => item));
  expect(Math.min(...arrived.map(([, tookMs]) => tookMs))).toBeGreaterThanOrEqual(10);
});

test('without a delay it is there at once, and after a cut nothing is', () => {
  const arrived: number[] = [];
  const line = new DelayLine<number>(NO_DELAY, (item) => void arrived.push(item));

  line.send(1);
  line.cut();
  line.send(2);

  expect(arrived).toEqual([1]);
});
