import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Linux keeps files in memory: speech written there never meets a disk. */
const SHARED_MEMORY = '/dev/shm';

export type ScratchFolder = AsyncDisposable & { readonly path: string };

/** Makes an empty folder of our own, in memory where the system has such a place; disposing removes it with all it holds. */
export async function makeScratchFolder(name: string): Promise<ScratchFolder> {
  const parent = await access(SHARED_MEMORY, constants.W_OK | constants.X_OK).then(
    () => SHARED_MEMORY,
    () => tmpdir(),
  );
  const path = await mkdtemp(join(parent, `assistant-${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
