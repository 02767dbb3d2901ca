import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CarrierRequest, fakeCarrier } from '../api/fake-carriers.ts';
import { eventually } from '../calls/call-server.ts';
import { ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 180_000;
const CALLS = 12;
/** How long Asterisk thinks about each call: so long that the kill hits some in the middle. */
const ANSWER_AFTER_MS = 150;
/** The API has its limit of requests. */
const LOOK_EVERY_MS = 500;

/** Asterisk's REST interface as far as placing calls goes: channels by the ids we gave them. */
let channels: Map<string, number>;
let asterisk: Awaited<ReturnType<typeof fakeCarrier>>;
beforeEach(async () => {
  channels = new Map();
  asterisk = await fakeCarrier(async (request) => {
    const id = idIn(request);
    if (request.method === 'GET') return { status: channels.has(id) ? 200 : 404, body: { id } };
    if (request.method !== 'POST') return { status: 204 };
    const isTaken = channels.has(id);
    channels.set(id, (channels.get(id) ?? 0) + 1);
    await pause(ANSWER_AFTER_MS);
    return isTaken
      ? { status: 409, body: { message: 'Channel with given unique ID already exists' } }
      : { status: 200, body: { id } };
  });
});
afterEach(() => asterisk[Symbol.asyncDispose]());

const idIn = ({ path }: CarrierRequest) => /\/channels\/(rapida-[0-9a-f-]{36})$/.exec(path)?.[1] ?? '';

test('kill -9 while calls are being placed: each is placed once, none is lost', { timeout: LIMIT_MS }, async () => {
  await using home = new ServerHome();
  const first = await home.start();
  const post = poster(home, first);
  const credential = await post('/v1/credentials', {
    provider: 'asterisk',
    name: 'pbx',
    values: { ari_url: asterisk.url, ari_user: 'ari', ari_password: 'ari-password-0000' },
  });
  await post('/v1/deployments', {
    assistantId: home.assistantId,
    channel: 'asterisk',
    name: 'out',
    credentialId: credential['id'],
    settings: { max_concurrent_calls: 100 },
  });
  const wish = (toNumber: string) => ({
    assistant: { assistantId: home.assistantId },
    toNumber,
    options: { channel: 'asterisk', ringTimeoutSeconds: 300 },
  });
  const orders = await Promise.all(
    Array.from({ length: CALLS }, (_, index) => post('/v1/talk/create-phone-call', wish(String(200 + index)))),
  );
  const wanted = orders.map(({ data }) => `rapida-${(data as { contextId: string }).contextId}`).toSorted();
  await eventually('some calls to be placed', async () => (channels.size >= 3 ? true : null));

  first.signal('SIGKILL');
  await first.end();
  const placedBefore = channels.size;
  const second = await home.start();
  // What was in the air is leased for half a minute still, and then looked for.
  while ((await ringing(home, second)) < CALLS) await pause(LOOK_EVERY_MS);

  expect(placedBefore).toBeLessThan(CALLS);
  expect([...channels.keys()].toSorted()).toEqual(wanted);
  expect([...channels.values()]).toEqual(Array.from({ length: CALLS }, () => 1));
});

function poster({ apiKey }: ServerHome, { url }: ServerProcess) {
  return async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status > 299) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
}

async function ringing({ apiKey }: ServerHome, { url }: ServerProcess): Promise<number> {
  const response = await fetch(`${url}/v1/calls?limit=200&status=ringing`, { headers: { 'x-api-key': apiKey } });
  return ((await response.json()) as { calls: readonly unknown[] }).calls.length;
}
