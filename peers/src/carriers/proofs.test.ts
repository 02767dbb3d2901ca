import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { verifySignature } from '@vonage/jwt';
import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { directly, through } from './reach.ts';
import { bodySha256, twilioSignature } from './twilio/signature.ts';
import { objectionToToken, queryAsJson, signedWebhookToken } from './vonage/signed-webhook.ts';

describe("Twilio's signature, judged by its SDK", () => {
  const url = 'https://voice.example.com/v1/talk/twilio/call/7?foo=1&bar=2';

  test.each([
    {},
    { CallSid: 'CA1', From: '+14158675310', To: '+18005551212', Digits: '1234' },
    { Caller: 'Zoë & "Söhne"', b: '', B: '2', a10: 'x', a9: 'y' },
  ])('over the form %j', (fields) => {
    const signature = twilioSignature('12345', url, fields);

    expect(signature).toBe(twilio.getExpectedTwilioSignature('12345', url, fields));
    expect(twilio.validateRequest('12345', signature, url, fields)).toBe(true);
    expect(twilio.validateRequest('12346', signature, url, fields)).toBe(false);
  });

  test('over JSON, by the hash of the body', () => {
    const body = '{"CallSid":"CA1"}';
    const bound = `${url}&bodySHA256=${bodySha256(body)}`;

    expect(twilio.validateRequestWithBody('12345', twilioSignature('12345', bound), bound, body)).toBe(true);
    expect(twilio.validateRequestWithBody('12345', twilioSignature('12345', bound), bound, `${body} `)).toBe(false);
  });
});

describe("Vonage's tokens", () => {
  const signer = { signatureSecret: 'secret', apiKey: 'abcd', applicationId: 'app' };
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const application = { id: 'app', publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })) };
  const now = Date.UTC(2026, 0, 2) / 1000;

  function token(claims: object, header: object = { alg: 'RS256', typ: 'JWT' }): string {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const all = { application_id: 'app', iat: now, exp: now + 900, jti: randomUUID(), ...claims };
    const text = `${encode(header)}.${encode(all)}`;
    return `Bearer ${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  }

  test('a signed webhook is what the SDK takes, and binds the body', () => {
    const signed = signedWebhookToken(signer, '{"uuid":"u1"}');
    const claims = JSON.parse(Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString()) as object;

    expect(verifySignature(signed, 'secret')).toBe(true);
    expect(verifySignature(signed, 'another')).toBe(false);
    expect(claims).toMatchObject({
      iss: 'Vonage',
      api_key: 'abcd',
      application_id: 'app',
      payload_hash: createHash('sha256').update('{"uuid":"u1"}').digest('hex'),
    });
    expect(queryAsJson('https://h/x?to=1&from=%2B2&uuid=u1')).toBe('{"to":"1","from":"+2","uuid":"u1"}');
  });

  test.each([
    ['right', {}, { alg: 'RS256', typ: 'JWT' }, null],
    ['another application', { application_id: 'other' }, { alg: 'RS256' }, 'another application'],
    ['none of the algorithms', {}, { alg: 'none' }, 'the token is not RS256'],
    ['without jti', { jti: undefined }, { alg: 'RS256' }, 'no jti'],
    ['past', { exp: now - 1 }, { alg: 'RS256' }, /exp/],
    ['for two days', { exp: now + 172_800 }, { alg: 'RS256' }, /exp/],
    ['from tomorrow', { iat: now + 86_400, exp: now + 90_000 }, { alg: 'RS256' }, /iat/],
  ] as const)('a token for the Voice API that is %s', (_, claims, header, objection) => {
    const found = objectionToToken(token(claims, header), application, now * 1000);

    if (objection === null) expect(found).toBeNull();
    else expect(found).toMatch(objection);
  });
});

test('through a proxy path, query and host name stay what they were', () => {
  const { address, host } = through('http://127.0.0.1:9007')('wss://voice.example.com:8443/a%20b?c=d%2Fe');

  expect([String(address), host]).toEqual(['ws://127.0.0.1:9007/a%20b?c=d%2Fe', 'voice.example.com:8443']);
  expect(String(directly('https://h:1/x').address)).toBe('https://h:1/x');
});
