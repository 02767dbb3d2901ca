import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeTaker, keysUnderLoss } from '../src/server/keys-under-loss.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';

const SEED = Date.now() % 2 ** 31;

let server: ServerUnderTest;

beforeAll(async () => {
  server = await startServer({ settings: codeTaker() });
}, 120_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

describe.each([
  ['5 % of the packets lost', 1],
  ['5 % of the packets lost, three in a row each time', 3],
])('SIP calls over a network with 30 ms of jitter and %s, both ways', (_what, burst) => {
  test(`keys arrive once and in order, and every question is asked and heard (seed ${SEED})`, async () => {
    const network = { loss: 0.05, burst, jitterMs: 30, seed: SEED };

    const report = await keysUnderLoss(server, { calls: 8, codesACall: 3, network });

    expect(report.keys).toBe(192);
    expect(report.packetsLost / report.packetsSent).toBeGreaterThan(0.02);
    // 99.9 % of 5,000 keys is what `bench rtp-loss` shows; of 192, one may be wrong.
    expect(report.wrongKeys).toBeLessThanOrEqual(1);
    expect([report.brokenTurns, report.brokenCalls]).toEqual([0, 0]);
  }, 120_000);
});
