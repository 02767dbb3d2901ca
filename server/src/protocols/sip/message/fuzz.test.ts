import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseMessage } from './parse-message.ts';
import { serializeMessage } from './serialize-message.ts';

/** SIP_FUZZ_RUNS makes a longer run, SIP_FUZZ_SEED repeats one: the seed is in the failure's message. */
const RUNS = Number(process.env['SIP_FUZZ_RUNS'] ?? 4000);
const SEED = Number(process.env['SIP_FUZZ_SEED'] ?? Date.now() % 2 ** 31);

const SPICE = [
  '\r\n',
  '\r\n ',
  ' ',
  '\t',
  '"',
  '<',
  '>',
  ';',
  ',',
  ':',
  '@',
  '=',
  '%',
  '%00',
  '\\',
  '[',
  ']',
  '\0',
  '\xff',
  'sip:',
  'Via: ',
  '9'.repeat(30),
];

test(`mutated messages never throw, and what parses survives a round trip (seed ${SEED})`, () => {
  const random = lcg(SEED);
  const seeds = ['rfc4475', 'rfc5118'].flatMap(readFolder);

  for (let run = 0; run < RUNS; run++) {
    const bytes = mutate(seeds[random(seeds.length)] ?? Buffer.alloc(0), random);
    const result = parseMessage(bytes, random(2) === 0 ? 'datagram' : 'stream');
    if (!result.ok) {
      expect(result.reason, `seed ${SEED}, run ${run}`).not.toBe('');
      continue;
    }
    const again = parseMessage(serializeMessage(result.message), 'stream');
    expect(again, `seed ${SEED}, run ${run}`).toEqual({ ok: true, message: result.message });
  }
});

function readFolder(folder: string): Buffer[] {
  const base = new URL(`fixtures/${folder}/`, import.meta.url);
  return readdirSync(base).map((name) => readFileSync(new URL(name, base)));
}

/** One to six random cuts, repeats, flips and insertions. */
function mutate(source: Buffer, random: (limit: number) => number): Buffer {
  let bytes = Buffer.from(source);
  for (let step = random(6); step >= 0; step--) {
    const at = random(bytes.length + 1);
    const to = Math.min(bytes.length, at + random(40));
    const spice = Buffer.from(SPICE[random(SPICE.length)] ?? '', 'latin1');
    const kind = random(4);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), spice, bytes.subarray(at)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    else if (at < bytes.length) bytes[at] = random(256);
  }
  return bytes;
}

function lcg(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
