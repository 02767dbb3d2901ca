import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import type { Random } from '../core/ports/random.ts';

const BITS_53 = 2 ** 53;

/** Randomness that nobody can guess (the operating system's, through node:crypto). */
export const systemRandom: Random = {
  uuid: () => randomUUID(),
  bytes,
  below,
};

/** Asking the system for a few bytes costs as much as for a page of them. Each byte of the page is given out once and wiped. */
const page = new Uint8Array(4096);
let used = page.length;

function bytes(count: number): Uint8Array {
  if (count > page.length) return new Uint8Array(randomBytes(count));
  if (used + count > page.length) {
    randomFillSync(page);
    used = 0;
  }
  const drawn = page.slice(used, used + count);
  page.fill(0, used, used + count);
  used += count;
  return drawn;
}

/** Draws until the number falls into a whole multiple of `limit`, so that none is likelier (crypto.randomInt ends at 2^48). */
function below(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`There is no whole number below ${limit}`);
  const ceiling = BITS_53 - (BITS_53 % limit);
  for (;;) {
    const drawn = new DataView(bytes(8).buffer);
    const draw = (drawn.getUint32(0) & 0x1f_ff_ff) * 2 ** 32 + drawn.getUint32(4);
    if (draw < ceiling) return draw % limit;
  }
}
