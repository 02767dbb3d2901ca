import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { readPostmasterFile, stopPostmaster } from '../../src/storage/postgres/embedded/postmaster.ts';
import { isProcessAlive } from '../../src/storage/postgres/process-identity.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where this run's PostgreSQL lives, started by the first test file that wants a database. */
    postgresTestDir: string;
  }
}

const PREFIX = 'assistant-test-pg-';
const OWNER_FILE = 'run.pid';

let dir: string | undefined;

/** Names a folder for this run; a run that needs no database pays nothing more. */
export async function setup(project: TestProject): Promise<void> {
  await sweepDeadRuns();
  dir = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(dir, OWNER_FILE), String(process.pid));
  project.provide('postgresTestDir', dir);
}

export async function teardown(): Promise<void> {
  if (dir !== undefined) await removeRun(dir);
}

/** A run that was killed left its server behind. */
async function sweepDeadRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const run = join(tmpdir(), name);
    if (!name.startsWith(PREFIX) || !existsSync(join(run, OWNER_FILE))) continue;
    const owner = Number(readFileSync(join(run, OWNER_FILE), 'utf8'));
    if (owner > 0 && !isProcessAlive(owner)) await removeRun(run);
  }
}

async function removeRun(run: string): Promise<void> {
  const server = readPostmasterFile(join(run, 'postgres'));
  if (server && isProcessAlive(server.pid)) {
    await stopPostmaster(server.pid);
    rmSync(server.socketDir, { recursive: true, force: true });
  }
  rmSync(run, { recursive: true, force: true });
}
