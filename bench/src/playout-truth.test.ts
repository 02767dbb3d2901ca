import { describe, expect, test } from 'vitest';
import { MOST_AHEAD_MS, measureTruth } from './playout-truth.ts';
import { CARRIERS } from './playout-truth-server.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

describe.concurrent('a caller interrupts at random moments: no word enters the history that was not played to its end', () => {
  test.each(CARRIERS.flatMap((carrier) => [0, 150].map((oneWayMs) => [carrier, oneWayMs] as const)))(
    `over %s, %i ms away (FUZZ_SEED=${SEED})`,
    async (carrier, oneWayMs) => {
      const plan = { carrier, oneWayMs, jitterMs: 20, interruptions: 4, calls: 2, seed: SEED };

      const figures = await measureTruth(plan);

      expect(figures.unheardWords).toEqual([]);
      expect(figures.faults).toEqual([]);
      expect(figures.rememberedWords).toBeGreaterThan(0);
      expect(figures.aheadMs).toBeLessThanOrEqual(MOST_AHEAD_MS);
    },
    60_000,
  );

  test.each([
    ['late', { echoes: 'once', lateMs: 250, afterClearMs: null }],
    ['twice', { echoes: 'twice', lateMs: 0, afterClearMs: null }],
    ['after the clear all the same', { echoes: 'once', lateMs: 0, afterClearMs: 300 }],
    ['never', { echoes: 'never', lateMs: 0, afterClearMs: null }],
  ] as const)(
    'where marks come back %s',
    async (_, marks) => {
      for (const carrier of CARRIERS) {
        const plan = { carrier, oneWayMs: 20, jitterMs: 10, interruptions: 2, calls: 2, seed: SEED, marks };

        const figures = await measureTruth(plan);

        expect(figures.unheardWords).toEqual([]);
        expect(figures.faults).toEqual([]);
        expect(figures.interruptions).toBeGreaterThan(0);
      }
    },
    60_000,
  );
});
