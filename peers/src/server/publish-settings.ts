import { join } from 'node:path';
import type { AssistantSettings } from '@assistant/server/core/assistant/assistant-settings';
import type { AssistantId } from '@assistant/server/core/ids';
import type { EventLog } from '@assistant/server/core/ports/event-log';
import { openStorage } from '@assistant/server/storage/open-storage';

const quiet: EventLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => quiet,
};

/** Gives an assistant a new version, in the data folder of a server that is not running. */
export async function publishSettings(folder: string, assistantId: string, settings: AssistantSettings): Promise<void> {
  await using storage = await openStorage({
    database: { type: 'embedded', dataDir: join(folder, 'data') },
    log: quiet,
  });
  await storage.assistants.addVersion(assistantId as AssistantId, settings);
}
