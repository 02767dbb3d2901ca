import { randomUUID } from 'node:crypto';
import type { ContextId, ConversationId } from '../../../src/core/ids.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { quietLog } from '../../fakes/quiet-log.ts';
import { sampleAssistant, sampleContext } from '../sample-calls.ts';

/**
 * Opens the embedded storage in the folder given and prints what it got. Then, by a line on stdin: `write` opens calls
 * without end and prints the id of each once the database has it; `close` closes and ends.
 */
const [dataDir = ''] = process.argv.slice(2);
const storage = await openStorage({ database: { type: 'embedded', dataDir }, log: quietLog });
process.stdout.write(`${JSON.stringify({ pid: process.pid, ...storage.embedded })}\n`);

for await (const chunk of process.stdin.setEncoding('utf8')) {
  if (chunk === 'close\n') break;
  void write();
}
await storage[Symbol.asyncDispose]();
process.stdout.write('closed\n');

async function write(): Promise<void> {
  const assistant = await sampleAssistant(storage.assistants);
  const writer = async () => {
    for (;;) {
      const contextId = randomUUID() as ContextId;
      await storage.calls.open(sampleContext(assistant, { contextId, conversationId: '1' as ConversationId }));
      process.stdout.write(`${contextId}\n`);
    }
  };
  await Promise.all([writer(), writer(), writer()]);
}
