import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fakeCarrier } from '../api/fake-carriers.ts';
import { TWILIO_VALUES, twilioForm, VONAGE_VALUES, vonageJson } from '../api/signed-requests.ts';
import { registerPhone } from '../nodes/sip-register.ts';
import { ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 120_000;
const CALLER = '+442079460018';
const CALLEE = '+14155552671';
const BLOCKED = '+442079460777';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const SIGNATURE_SECRET = 'vonage-signature-secret-0003';
const EXOTEL = { api_key: 'exotel-key-000000001', api_secret: 'exotel-token-0000002', account_sid: 'exo1' };
const ARI_PASSWORD = 'ari-password-0000000004';
const FORGED_TOKEN = 'forged-token-of-an-account-0005';

/** Asterisk, saying no with the number in its words, as carriers do. */
let asterisk: Awaited<ReturnType<typeof fakeCarrier>>;
beforeEach(async () => {
  asterisk = await fakeCarrier(({ method }) =>
    method === 'POST'
      ? { status: 400, body: { message: `Allocation failed for PJSIP/${CALLEE}` } }
      : { status: 404, body: { message: CALLEE } },
  );
});
afterEach(() => asterisk[Symbol.asyncDispose]());

/** What of each carrier is stored, over the API as an administrator does it. */
async function storeAccounts(home: ServerHome, server: ServerProcess): Promise<void> {
  const post = poster(home, server);
  const accounts = {
    twilio: TWILIO_VALUES,
    vonage: { ...VONAGE_VALUES, private_key: privateKey, signature_secret: SIGNATURE_SECRET },
    // Nobody answers there: what the carrier would be asked about each call fails at once.
    exotel: { ...EXOTEL, subdomain: '127.0.0.1:1' },
    asterisk: { ari_url: asterisk.url, ari_user: 'ari', ari_password: ARI_PASSWORD },
    sip: { host: '127.0.0.1', username: 'trunk', password: 'trunk-password-00000006' },
  };
  for (const [provider, values] of Object.entries(accounts)) {
    expect([provider, await post('/v1/credentials', { provider, name: provider, values })]).toEqual([provider, 201]);
  }
  const line = { assistantId: home.assistantId, channel: 'asterisk', name: 'out', number: CALLER };
  expect(await post('/v1/deployments', { ...line, settings: { allowed_countries: ['US'] } })).toBe(201);
  expect(await post('/v1/number-lists/blocked_callers', { number: BLOCKED })).toBe(201);
  expect(
    await post('/v1/credentials', { provider: 'twilio', name: 'x', values: { account_token: FORGED_TOKEN } }),
  ).toBe(422);
}

function poster({ apiKey }: ServerHome, { url }: ServerProcess) {
  return async (path: string, body: object): Promise<number> => {
    const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  };
}

/** Calls and reports of every carrier, honest and forged; resolves to their statuses. */
async function carriersCome(home: ServerHome, { url }: ServerProcess): Promise<number[]> {
  const address = (provider: string) => `/v1/talk/${provider}/call/${home.assistantId}`;
  const twilio = {
    CallSid: 'CA1',
    AccountSid: TWILIO_VALUES.account_sid,
    From: CALLER,
    To: CALLEE,
    CallStatus: 'ringing',
  };
  const vonage = { from: CALLER.slice(1), to: CALLEE.slice(1), uuid: 'vonage-1', conversation_uuid: 'c' };
  const claims = { api_key: VONAGE_VALUES.api_key, application_id: VONAGE_VALUES.application_id };
  const basic = Buffer.from(`${EXOTEL.api_key}:${EXOTEL.api_secret}`).toString('base64');
  const exotel = `${address('exotel')}?CallSid=e1&CallFrom=${encodeURIComponent(CALLER)}`;
  const ask = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;
  return [
    await ask(address('twilio'), twilioForm(address('twilio'), twilio)),
    await ask(address('twilio'), twilioForm(address('twilio'), twilio, FORGED_TOKEN)),
    await ask('/v1/talk/twilio/event', twilioForm('/v1/talk/twilio/event', { ...twilio, CallStatus: 'completed' })),
    await ask(address('vonage'), await vonageJson(vonage, claims, SIGNATURE_SECRET)),
    await ask(address('vonage'), await vonageJson(vonage, claims, FORGED_TOKEN)),
    await ask(exotel, { headers: { authorization: `Basic ${basic}` } }),
    await ask(exotel, { headers: { authorization: `Basic ${basic.slice(4)}` } }),
    await ask(`${exotel.replace('e1', 'e2')}`),
    await ask(`${address('asterisk')}?from=${encodeURIComponent(BLOCKED)}&x-api-key=${home.apiKey}`),
    await ask(`${address('asterisk')}?from=${encodeURIComponent(CALLER)}&x-api-key=${home.apiKey}&id=${CALLER}`),
  ];
}

test('no line of the log holds a secret or a number: every carrier, honest and forged, calls placed and refused, SIP', {
  timeout: LIMIT_MS,
}, async () => {
  const env = { LOG_LEVEL: 'debug', SHUTDOWN__GRACE: '0', PUBLIC_ASSISTANT_HOST: 'voice.example.com' };
  await using home = new ServerHome({ env });
  const server = await home.start();
  const post = poster(home, server);
  await storeAccounts(home, server);
  const order = (toNumber: string) =>
    post('/v1/talk/create-phone-call', {
      assistant: { assistantId: home.assistantId },
      toNumber,
      options: { channel: 'asterisk' },
    });

  const statuses = await carriersCome(home, server);
  const orders = [await order(CALLEE), await order('+19002345678'), await order(CALLER)];
  await server.event('call.not_placed');
  const sipPort = Number(/^ {2}SIP +\S+:(\d+)/m.exec(server.output)?.[1]);
  const sip = [
    await registerPhone({ port: sipPort, user: home.assistantId, password: home.apiKey }),
    await registerPhone({ port: sipPort, user: home.assistantId, password: FORGED_TOKEN }),
  ];
  server.signal('SIGTERM');
  const ended = await server.end();

  expect(statuses).toEqual([200, 403, 200, 200, 403, 200, 403, 200, 403, 200]);
  expect(orders).toEqual([202, 422, 422]);
  expect([sip[0], (sip[1] ?? 0) >= 400]).toEqual([200, true]);
  const lines = [...server.logLines, ended.stderr];
  expect(lines.length).toBeGreaterThan(30);
  const secrets = [
    home.apiKey,
    home.apiKey.slice(4, 30),
    TWILIO_VALUES.account_token,
    VONAGE_VALUES.api_secret,
    privateKey.split('\n')[3] ?? 'no key',
    SIGNATURE_SECRET,
    EXOTEL.api_key,
    EXOTEL.api_secret,
    Buffer.from(`${EXOTEL.api_key}:${EXOTEL.api_secret}`).toString('base64'),
    ARI_PASSWORD,
    Buffer.from(`ari:${ARI_PASSWORD}`).toString('base64'),
    'trunk-password-00000006',
    FORGED_TOKEN,
    ...[CALLER, CALLEE, BLOCKED, '+19002345678'].flatMap((number) => [number, number.slice(1), number.slice(3)]),
  ];
  for (const secret of secrets) expect(lines.filter((line) => line.includes(secret))).toEqual([]);
});
