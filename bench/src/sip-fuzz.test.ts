import { expect, test } from 'vitest';
import { fuzzSip } from './sip-fuzz.ts';

/** SIP_FUZZ_SEED repeats a run; `npm run bench -- sip-fuzz` is the long one. */
const SEED = Number(process.env['SIP_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const INPUTS = 12_000;

test(`SIP parser and agents take ${INPUTS} mutated messages without a fault (seed ${SEED})`, async () => {
  const { faults, parsed, refused, agents } = await fuzzSip(INPUTS, SEED);

  expect(faults.filter((fault) => !fault.includes(' ms for '))).toEqual([]);
  expect(agents).toBe(20);
  expect(parsed).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(500);
});
