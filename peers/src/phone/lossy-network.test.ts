import { expect, test, vi } from 'vitest';
import { LossyNetwork } from './lossy-network.ts';

test.each([1, 3])(
  'loses the share it should, %i in a row each time, and delays the rest within its jitter',
  (burst) => {
    vi.useFakeTimers();
    try {
      const network = new LossyNetwork({ loss: 0.05, burst, jitterMs: 30, seed: 1 });
      const lateMs = new Map<number, number>();
      for (let packet = 0; packet < 10_000; packet++) {
        const sentMs = Date.now();
        network.carry(() => lateMs.set(packet, Date.now() - sentMs));
      }
      vi.runAllTimers();

      expect(network.sent).toBe(10_000);
      expect(lateMs.size).toBe(10_000 - network.lost);
      expect(network.lost).toBeGreaterThan(400);
      expect(network.lost).toBeLessThan(600);
      expect(Math.min(...lateMs.values())).toBe(0);
      expect(Math.max(...lateMs.values())).toBe(30);
      const gaps =
        Array.from({ length: 10_000 }, (_, packet) => (lateMs.has(packet) ? '.' : 'x'))
          .join('')
          .match(/x+/g) ?? [];
      expect(Math.min(...gaps.map(({ length }) => length))).toBe(burst);
    } finally {
      vi.useRealTimers();
    }
  },
);
