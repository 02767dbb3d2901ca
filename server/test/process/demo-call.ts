import { setTimeout as pause } from 'node:timers/promises';
import { AudioSocketLeg } from '../../../peers/src/phone/audiosocket-leg.ts';
import { callUrl, requestCall } from '../../../peers/src/phone/phase-one.ts';
import { Phone } from '../../../peers/src/phone/phone.ts';
import type { CallRecord } from '../../../peers/src/server/call-record.ts';
import type { ContextId } from '../../src/core/ids.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { quietLog } from '../fakes/quiet-log.ts';
import type { ServerHome, ServerProcess } from './server-process.ts';

/** Longer than any hiccup of a loaded machine: the waits end with what they wait for. */
const PATIENCE_MS = 15_000;

export const CALLER = '+15551230042';

export type DemoCall = { readonly contextId: string; readonly phone: Phone };

/** Phase 1 and the AudioSocket connection; resolves when the greeting is heard. */
export async function callDemo(home: ServerHome, server: ServerProcess, from = CALLER): Promise<DemoCall> {
  const { contextId } = await announceCall(home, server, from);
  const phone = await connectPhone(server, contextId);
  await phone.heardVoice(60, PATIENCE_MS);
  return { contextId, phone };
}

export async function announceCall(
  home: ServerHome,
  server: ServerProcess,
  from = CALLER,
): Promise<{ contextId: string }> {
  return await requestCall({ url: server.url, assistantId: home.assistantId, apiKey: home.apiKey, from });
}

export async function connectPhone(server: ServerProcess, contextId: string): Promise<Phone> {
  return await Phone.open(new AudioSocketLeg({ ...server.audioSocket, contextId }));
}

/** Presses a key and waits for words that answer it: then it was taken. */
export async function pressAndHear(phone: Phone, keys: string): Promise<void> {
  await phone.press(keys);
  // What was spoken before the key is cut off at once; this is longer than what was still under way.
  await phone.stay(200);
  await phone.heardVoice(200, PATIENCE_MS);
}

/** Phase 1 as a dialplan asks it, with whatever comes back. */
export async function askForCall(home: ServerHome, server: ServerProcess): Promise<Response> {
  const { url } = server;
  return await fetch(callUrl({ url, assistantId: home.assistantId, apiKey: home.apiKey, from: CALLER }));
}

/** GET /v1/calls/{contextId} */
export async function readCall(home: ServerHome, server: ServerProcess, contextId: string): Promise<CallRecord> {
  const response = await fetch(`${server.url}/v1/calls/${contextId}`, { headers: { 'x-api-key': home.apiKey } });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`the call's record: ${response.status} ${body}`);
  return JSON.parse(body) as CallRecord;
}

/** The record once it is closed. */
export async function closedCall(home: ServerHome, server: ServerProcess, contextId: string): Promise<CallRecord> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const record = await readCall(home, server, contextId);
    if (record.call.status === 'ended' || record.call.status === 'failed') return record;
    if (performance.now() > deadline)
      throw new Error(`call ${contextId} is still ${record.call.status}:\n${server.output}`);
    await pause(50);
  }
}

/** The same record from the data directory of a server that does not run. */
export async function storedCall(home: ServerHome, contextId: string) {
  await using storage = await openStorage({ database: { type: 'embedded', dataDir: home.dataDir }, log: quietLog });
  const [project] = await storage.assistants.listProjects();
  const found = project && (await storage.calls.get(project.id, contextId as ContextId));
  if (!found) throw new Error(`no call ${contextId} in ${home.dataDir}`);
  return found;
}
