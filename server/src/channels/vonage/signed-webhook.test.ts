import { createHash } from 'node:crypto';
import { verifySignature } from '@vonage/jwt';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { SignedWebhook } from './signed-webhook.ts';
import { SeenTokenIds, verifySignedWebhook } from './signed-webhook.ts';

const SECRET = 'a signature secret of the account';
const NOW_MS = Date.UTC(2026, 0, 2);
const signer = { signatureSecret: SECRET, apiKey: 'abcd1234', applicationId: 'app-1' };
const body = '{"uuid":"u1","from":"15550001"}';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

async function signed(claims: object = {}, over: Partial<SignedWebhook> = {}, secret = SECRET): Promise<SignedWebhook> {
  const all = {
    iat: NOW_MS / 1000,
    jti: 'id-1',
    iss: 'Vonage',
    payload_hash: sha256(body),
    api_key: 'abcd1234',
    ...claims,
  };
  const token = await new SignJWT(all).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
  expect(verifySignature(token, secret)).toBe(true);
  return {
    authorization: `Bearer ${token}`,
    method: 'POST',
    rawTarget: '/v1/talk/vonage/call/7',
    rawBody: Buffer.from(body),
    ...over,
  };
}

const verify = (webhook: SignedWebhook, seen = new SeenTokenIds(), nowMs = NOW_MS) =>
  verifySignedWebhook(webhook, signer, seen, nowMs);

describe('signed webhooks', () => {
  test('a token over this body, of this account, of now, counts', async () => {
    expect(await verify(await signed())).toEqual({ isValid: true });
  });

  test('a GET is bound by its query as JSON', async () => {
    const rawTarget = '/v1/talk/vonage/call/7?to=1555&from=15550001&uuid=u1';
    const payload_hash = sha256('{"to":"1555","from":"15550001","uuid":"u1"}');

    expect(await verify(await signed({ payload_hash }, { method: 'GET', rawTarget }))).toEqual({ isValid: true });
  });

  test.each([
    ['age', { iat: NOW_MS / 1000 - 301 }],
    ['age', { iat: NOW_MS / 1000 + 301 }],
    ['account', { api_key: 'other' }],
    ['payload', { payload_hash: sha256('{}') }],
    ['payload', { payload_hash: 'zz' }],
    ['replayed', { jti: undefined }],
  ])('%s is what differs', async (difference, claims) => {
    expect(await verify(await signed(claims))).toEqual({ isValid: false, difference });
  });

  test('another secret, another algorithm, and no token at all', async () => {
    expect(await verify(await signed({}, {}, 'another secret of some length'))).toEqual({
      isValid: false,
      difference: 'signature',
    });
    const [, payload] = (await signed()).authorization!.split('.');
    const none = `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    expect(await verify(await signed({}, { authorization: none }))).toEqual({
      isValid: false,
      difference: 'signature',
    });
    expect(await verify(await signed({}, { authorization: undefined }))).toEqual({
      isValid: false,
      difference: 'missing',
    });
  });

  test('a token that was seen does not open a second door', async () => {
    const seen = new SeenTokenIds();
    const webhook = await signed();

    expect(await verify(webhook, seen)).toEqual({ isValid: true });
    expect(await verify(webhook, seen, NOW_MS + 30_000)).toEqual({ isValid: false, difference: 'replayed' });
  });

  test('a webhook that Vonage tries again seconds later is served again', async () => {
    const seen = new SeenTokenIds();
    const webhook = await signed();

    expect(await verify(webhook, seen)).toEqual({ isValid: true });
    expect(await verify(webhook, seen, NOW_MS + 5_000)).toEqual({ isValid: true });
  });
});
