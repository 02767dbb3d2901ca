import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../server/test/postgres/fresh-database.ts';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { DatabaseWire } from '../src/asterisk/database-wire.ts';
import { callFigures } from '../src/phone/call-figures.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';

/** What callers of an Asterisk hear while something behind it fails; docs/channels/asterisk.md holds the same table. */
const WAYS = [
  ['AudioSocket()', '1001'],
  ['Dial(AudioSocket/…)', '4001'],
  ['Dial(WebSocket/…)', '2001'],
] as const;
/** The error prompt of the dialplan lasts 1.3 s. */
const PROMPT_MS = 800;
const END_MS = 15_000;

let database: FreshDatabase;
let wire: DatabaseWire;
let server: ServerUnderTest;
let asterisk: Asterisk;

beforeAll(async () => {
  database = await freshDatabase();
  wire = await DatabaseWire.to(database.url);
  server = await startServer({ env: { DATABASE_URL: wire.url } });
  const { http, audioSocket, assistantId, apiKey } = server;
  asterisk = await startAsterisk({ http, audioSocket, assistantId, apiKey });
}, 180_000);

afterEach(() => wire.mend());

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await wire?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

describe('the server is killed (kill -9) under calls', () => {
  test('each call ends within seconds, nothing hangs; meanwhile callers hear the error prompt; after the restart calls go on', async () => {
    const phones = await Promise.all(WAYS.map(([, number]) => dial(number)));
    await Promise.all(phones.map((phone) => phone.heardVoice(500, END_MS)));
    const contextIds = await liveCalls();
    expect(contextIds).toHaveLength(3);

    process.kill(server.pid, 'SIGKILL');
    const ends = await Promise.all(phones.map((phone) => phone.heardHangUp(END_MS)));
    await noChannels();
    const refused = await Promise.all(WAYS.map(([, number]) => dial(number)));
    await Promise.all(refused.map((phone) => phone.heardHangUp(END_MS)));
    await server.stop();
    await server.start();

    expect(ends).toEqual(WAYS.map(() => ({ by: 'far end', how: 'hung up' })));
    for (const phone of refused) expect(callFigures(phone).voicedMs).toBeGreaterThan(PROMPT_MS);
    for (const id of contextIds) expect((await server.endedCall(id, 60_000)).call.endReason).toBe('node_lost');
    for (const [, number] of WAYS) await servesACall(number);
    await noChannels();
  });
});

describe.each(WAYS)('the database, with calls by %s', (_name, number) => {
  test('is slow, 150 ms for every answer: the call is served, later', async () => {
    wire.slow(150);

    await servesACall(number);
    await noChannels();
  });

  test('breaks under a call: the caller notices nothing', async () => {
    const phone = await dial(number);
    await phone.heardVoice(300, END_MS);

    wire.cut();
    const heardMs = callFigures(phone).voicedMs;
    await phone.heardVoice(1_000, END_MS);
    wire.mend();
    phone.hangUp();

    expect(callFigures(phone).voicedMs).toBeGreaterThan(heardMs + 900);
    await noChannels();
    await isReady();
  });

  test.each(['cut', 'hold'] as const)(
    'is away (%s) as a call comes: the error prompt, and the next call is served',
    async (how) => {
      wire[how]();
      const phone = await dial(number);

      const end = await phone.heardHangUp(END_MS);
      wire.mend();

      expect(end).toEqual({ by: 'far end', how: 'hung up' });
      expect(callFigures(phone).voicedMs).toBeGreaterThan(PROMPT_MS);
      await noChannels();
      await isReady();
      await servesACall(number);
    },
  );
});

async function servesACall(number: string): Promise<void> {
  const phone = await dial(number);
  await phone.heardVoice(300, END_MS);
  phone.hangUp();
  const { call } = await server.endedCall(await server.lastContextId());
  expect(call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
}

function dial(number: string): Promise<Phone> {
  return Phone.open(new SipLeg(asterisk.phoneTo(number)));
}

async function liveCalls(): Promise<string[]> {
  const { calls } = (await server.get('/v1/calls?status=live')) as { calls: { contextId: string }[] };
  return calls.map(({ contextId }) => contextId);
}

async function noChannels(): Promise<void> {
  await expect.poll(() => asterisk.ari.channels(), { timeout: END_MS }).toEqual([]);
}

async function isReady(): Promise<void> {
  await expect.poll(async () => (await fetch(`${server.url}/readiness`)).status, { timeout: END_MS }).toBe(200);
}
