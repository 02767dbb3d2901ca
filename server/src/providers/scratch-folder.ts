import { access, constants, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** Where Linux keeps files in memory: speech written there never meets a disk. */
const SHARED_MEMORY = '/dev/shm';
/** What a process left that was killed: its id is in the name. Younger ones may belong to another container with ids of its own. */
const LEFT_BEHIND = /^assistant-[a-z-]+-(\d+)-/;
const LEFT_BEHIND_AFTER_MS = 600_000;

export type ScratchFolder = AsyncDisposable & { readonly path: string };

/** Makes an empty folder of our own, in memory where the system has such a place; disposing removes it with all it holds.
 *  Folders of servers that died without doing so are swept on the way: they may hold what a caller said. */
export async function makeScratchFolder(name: string): Promise<ScratchFolder> {
  const parent = await access(SHARED_MEMORY, constants.W_OK | constants.X_OK).then(
    () => SHARED_MEMORY,
    () => tmpdir(),
  );
  await sweep(parent, Date.now() - LEFT_BEHIND_AFTER_MS);
  const path = await mkdtemp(join(parent, `assistant-${name}-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => remove(path) };
}

/** Removes folders of ours in `parent` that were not touched since `beforeMs` (wall clock) and whose process is gone. */
export async function sweep(parent: string, beforeMs: number): Promise<void> {
  for (const entry of await readdir(parent)) {
    const [, pid] = LEFT_BEHIND.exec(entry) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(parent, entry);
    const facts = await stat(path).catch(() => null);
    // Another user's folder is not ours to remove: then the error is no news.
    if (facts && facts.mtimeMs < beforeMs) await remove(path).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3 });
}
