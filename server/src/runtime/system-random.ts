import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../core/ports/random.ts';

const BITS_53 = 2 ** 53;

/** Randomness that nobody can guess (the operating system's, through node:crypto). */
export const systemRandom: Random = {
  uuid: () => randomUUID(),
  bytes: (count) => new Uint8Array(randomBytes(count)),
  below,
};

/** Draws until the number falls into a whole multiple of `limit`, so that none is likelier (crypto.randomInt ends at 2^48). */
function below(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`There is no whole number below ${limit}`);
  const ceiling = BITS_53 - (BITS_53 % limit);
  for (;;) {
    const bytes = randomBytes(8);
    const draw = (bytes.readUInt32BE(0) & 0x1f_ff_ff) * 2 ** 32 + bytes.readUInt32BE(4);
    if (draw < ceiling) return draw % limit;
  }
}
