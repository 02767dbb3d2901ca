import { readFileSync } from 'node:fs';
import type { ContextId, NodeId } from '../../../src/core/ids.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { quietLog } from '../../fakes/quiet-log.ts';

/** One of several processes that want the same contexts: url, node and a file of ids as arguments; prints what it won. */
const [url = '', node = '', idsFile = ''] = process.argv.slice(2);
const ids = readFileSync(idsFile, 'utf8').split('\n') as ContextId[];
await using storage = await openStorage({ database: { type: 'url', url }, log: quietLog });
await storage.ping(5_000);
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();

const wins: string[] = [];
const latenciesMs: number[] = [];
const errors: string[] = [];
const queue = ids.values();
const worker = async () => {
  for (const id of queue) {
    const startedAt = performance.now();
    await storage.calls.claim(id, 'twilio', node as NodeId).then(
      () => wins.push(id),
      (error: { code?: string }) => errors.push(error.code ?? String(error)),
    );
    latenciesMs.push(performance.now() - startedAt);
  }
};
await Promise.all([worker(), worker(), worker()]);
process.stdout.write(`${JSON.stringify({ wins, errors, latenciesMs })}\n`);
