import { parseArgs } from 'node:util';
import { codeTaker, keysUnderLoss } from '@assistant/peers/server/keys-under-loss';
import { startServer } from '@assistant/peers/server/server-under-test';

/**
 * SIP calls of a whole server over a bad network, 30 ms of jitter and 5 % loss both ways, single and in bursts of three: keys taken
 * right, questions asked and heard. Real sockets in real time; the network is made between socket and phone, where a kernel without
 * netem cannot. Options: --calls 25 --codes 25 (of eight keys each) --seed 1.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      calls: { type: 'string', default: '25' },
      codes: { type: 'string', default: '25' },
      seed: { type: 'string', default: '1' },
    },
  });
  const wish = { calls: Number(values.calls), codesACall: Number(values.codes) };
  await using server = await startServer({ settings: codeTaker() });
  const underLoss = async (burst: number) => {
    const network = { loss: 0.05, burst, jitterMs: 30, seed: Number(values.seed) };
    const report = await keysUnderLoss(server, { ...wish, network });
    return { ...report, rightPercent: Math.round(10_000 * (1 - report.wrongKeys / report.keys)) / 100 };
  };
  return { seed: Number(values.seed), single: await underLoss(1), burstsOfThree: await underLoss(3) };
}
