import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ariCredentialCheck } from '../../src/channels/asterisk/ari/check-credential.ts';
import { exotelCredentialCheck } from '../../src/channels/exotel/check-credential.ts';
import { twilioCredentialCheck } from '../../src/channels/twilio/check-credential.ts';
import { vonageCredentialCheck } from '../../src/channels/vonage/check-credential.ts';
import { type ApiWorld, apiWorld } from './api-world.ts';
import { type CarrierReply, type CarrierRequest, fakeCarrier } from './fake-carriers.ts';
import { EXOTEL_VALUES, TWILIO_VALUES, VONAGE_VALUES } from './signed-requests.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let answer: (request: CarrierRequest) => CarrierReply | 'hang_up';
let carrier: Awaited<ReturnType<typeof fakeCarrier>>;
let world: ApiWorld;
beforeAll(async () => {
  carrier = await fakeCarrier((request) => answer(request));
  world = await apiWorld({
    credentialChecks: {
      twilio: twilioCredentialCheck(carrier.url),
      vonage: vonageCredentialCheck(carrier.url),
      exotel: exotelCredentialCheck(carrier.url),
      asterisk: ariCredentialCheck,
    },
  });
});
beforeEach(() => {
  carrier.requests.length = 0;
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await carrier[Symbol.asyncDispose]();
});

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function verify(provider: string, values: Record<string, string>) {
  const { projectId } = await world.project();
  const { id } = await world.credential(projectId, provider, values);
  const key = await world.key(projectId, 'admin');
  const response = await world.ask(`/v1/credentials/${id}/verify`, { method: 'POST', headers: { 'x-api-key': key } });
  return { status: response.status, body: await response.json() };
}

test('Twilio: the account itself is asked for, and says who it is', async () => {
  const { account_sid, account_token } = TWILIO_VALUES;
  answer = () => ({ status: 200, body: { friendly_name: 'Acme', type: 'Trial', status: 'active' } });

  const result = await verify('twilio', TWILIO_VALUES);

  expect(result).toEqual({ status: 200, body: { isAccepted: true, detail: 'account "Acme", Trial' } });
  expect(carrier.requests).toMatchObject([
    {
      method: 'GET',
      path: `/2010-04-01/Accounts/${account_sid}.json`,
      authorization: basic(account_sid, account_token),
    },
  ]);
});

test.each([
  [401, {}, 'Twilio: it refused account_sid or account_token (401)'],
  [200, { status: 'suspended' }, 'Twilio: the account is suspended'],
  [500, {}, 'Twilio: it answered 500'],
])('Twilio: %i %j is told in words', async (status, body, detail) => {
  answer = () => ({ status, body });

  expect((await verify('twilio', TWILIO_VALUES)).body).toEqual({ isAccepted: false, detail });
});

test('Vonage: both halves are tried, the application by its token and the account by its key', async () => {
  answer = ({ path }) =>
    path === '/v1/calls' ? { status: 200, body: { count: 0 } } : { status: 200, body: { name: 'Desk' } };

  const result = await verify('vonage', { ...VONAGE_VALUES, private_key: privateKey });

  expect(result.body).toEqual({ isAccepted: true, detail: 'application "Desk"' });
  const [first, second] = carrier.requests;
  expect(decodeJwt(first?.authorization.replace('Bearer ', '') ?? '')).toMatchObject({ application_id: 'app-1' });
  expect(second).toMatchObject({
    path: '/v2/applications/app-1',
    authorization: basic(VONAGE_VALUES.api_key, VONAGE_VALUES.api_secret),
  });
});

test('Vonage: a wrong secret and a key that is no key are told apart', async () => {
  answer = ({ path }) => (path === '/v1/calls' ? { status: 200, body: {} } : { status: 401, body: {} });
  const wrongSecret = await verify('vonage', { ...VONAGE_VALUES, private_key: privateKey });
  const noKey = await verify('vonage', {
    ...VONAGE_VALUES,
    private_key: '-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----',
  });

  expect(wrongSecret.body).toEqual({ isAccepted: false, detail: 'Vonage: it refused api_key or api_secret (401)' });
  expect(noKey.body).toEqual({
    isAccepted: false,
    detail: "the credential's private_key cannot be used; store it again",
  });
});

test('Exotel: one call is listed; a refusal names the keys', async () => {
  const { api_key, api_secret, account_sid } = EXOTEL_VALUES;
  answer = () => ({ status: 200, body: { Calls: [] } });
  const accepted = await verify('exotel', EXOTEL_VALUES);
  answer = () => ({ status: 403, body: {} });
  const refused = await verify('exotel', EXOTEL_VALUES);

  expect(accepted.body).toEqual({ isAccepted: true, detail: 'the account answers' });
  expect(refused.body).toEqual({
    isAccepted: false,
    detail: 'Exotel: it refused api_key, api_secret or account_sid, or the account lives on another subdomain (403)',
  });
  expect(carrier.requests[0]).toMatchObject({
    path: `/v1/Accounts/${account_sid}/Calls.json`,
    authorization: basic(api_key, api_secret),
  });
});

test('Asterisk: ARI tells its version', async () => {
  answer = () => ({ status: 200, body: { system: { version: '22.5.2' } } });

  const values = { ari_url: carrier.url, ari_user: 'ari', ari_password: 'ari-password-0000' };
  const { body } = await verify('asterisk', values);

  expect(body).toEqual({ isAccepted: true, detail: 'Asterisk 22.5.2' });
  expect(carrier.requests[0]).toMatchObject({
    path: '/ari/asterisk/info',
    authorization: basic('ari', values.ari_password),
  });
});

test('a SIP trunk has nobody to ask, and a carrier that is away says so', async () => {
  const trunk = await verify('sip', { host: 'sip.example.com' });
  answer = () => 'hang_up';
  const away = await verify('twilio', TWILIO_VALUES);

  expect(trunk.body).toEqual({ isAccepted: null, detail: 'sip has nothing that could be asked' });
  expect(away.body).toEqual({ isAccepted: false, detail: 'Twilio does not answer' });
});

test("another project's credential is not there, and no answer or log line holds a secret", async () => {
  const { projectId } = await world.project();
  const { id } = await world.credential(projectId, 'twilio', TWILIO_VALUES);
  const key = await world.key((await world.project()).projectId, 'admin');

  const response = await world.ask(`/v1/credentials/${id}/verify`, { method: 'POST', headers: { 'x-api-key': key } });

  expect(response.status).toBe(404);
  expect(JSON.stringify(world.log.entries)).not.toContain(TWILIO_VALUES.account_token);
});
