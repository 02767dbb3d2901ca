import { createHash } from 'node:crypto';
import fc from 'fast-check';
import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import type { SignedRequest } from './signature.ts';
import { verifyTwilioSignature } from './signature.ts';

const TOKEN = '12345';
const none = new Map<string, string[]>();
const request = (over: Partial<SignedRequest> = {}): SignedRequest => ({
  publicHost: 'voice.example.com',
  rawTarget: '/v1/talk/twilio/call/7',
  scheme: 'https',
  formFields: none,
  jsonBody: null,
  ...over,
});
const sign = (url: string, fields: Record<string, string | string[]> = {}) =>
  twilio.getExpectedTwilioSignature(TOKEN, url, fields as Record<string, string>);
const URL_AT = 'https://voice.example.com/v1/talk/twilio/call/7';

describe("signatures, with Twilio's own SDK as the oracle", () => {
  test('any form is judged as the SDK signs it', () => {
    const field = fc.array(fc.string(), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), field), (fields) => {
        const signature = sign(URL_AT, fields);
        const formFields = new Map(Object.entries(fields));

        expect(verifyTwilioSignature(request({ formFields }), signature, [TOKEN])).toEqual({ isValid: true });
      }),
    );
  });

  test('one changed field is found out', () => {
    const signature = sign(URL_AT, { CallSid: 'CA1', From: '+15550001' });
    const formFields = new Map([
      ['CallSid', ['CA1']],
      ['From', ['+15550002']],
    ]);

    expect(verifyTwilioSignature(request({ formFields }), signature, [TOKEN])).toEqual({
      isValid: false,
      difference: 'url_or_fields',
    });
  });

  test('a JSON body is bound by its hash in the URL', () => {
    const jsonBody = Buffer.from('{"a":1}');
    const hash = createHash('sha256').update(jsonBody).digest('hex');
    const rawTarget = `/v1/talk/twilio/call/7?bodySHA256=${hash}`;
    const signature = sign(`https://voice.example.com${rawTarget}`);

    expect(verifyTwilioSignature(request({ rawTarget, jsonBody }), signature, [TOKEN])).toEqual({ isValid: true });
    expect(verifyTwilioSignature(request({ rawTarget, jsonBody: Buffer.from('{"a":2}') }), signature, [TOKEN])).toEqual(
      { isValid: false, difference: 'body_hash' },
    );
  });

  test('a signature over the URL with or without a port counts', () => {
    const withPort = sign('https://voice.example.com:443/v1/talk/twilio/call/7');
    const withoutPort = sign(URL_AT);

    expect(verifyTwilioSignature(request(), withPort, [TOKEN]).isValid).toBe(true);
    expect(verifyTwilioSignature(request({ publicHost: 'voice.example.com:8443' }), withoutPort, [TOKEN]).isValid).toBe(
      true,
    );
  });

  test('the upgrade is signed over wss, with or without a closing slash', () => {
    const rawTarget = '/v1/talk/twilio/ctx/1';
    const upgrade = request({ scheme: 'wss', rawTarget });

    expect(verifyTwilioSignature(upgrade, sign(`wss://voice.example.com${rawTarget}`), [TOKEN]).isValid).toBe(true);
    expect(verifyTwilioSignature(upgrade, sign(`wss://voice.example.com${rawTarget}/`), [TOKEN]).isValid).toBe(true);
  });

  test('a rotated token still counts while it is listed', () => {
    const signature = sign(URL_AT);

    expect(verifyTwilioSignature(request(), signature, ['new', TOKEN]).isValid).toBe(true);
    expect(verifyTwilioSignature(request(), signature, ['new']).isValid).toBe(false);
    expect(verifyTwilioSignature(request(), signature, []).isValid).toBe(false);
  });

  test.each([
    [undefined, 'missing'],
    ['', 'missing'],
    ['short', 'malformed'],
  ])('%j is %s', (signature, difference) => {
    expect(verifyTwilioSignature(request(), signature, [TOKEN])).toEqual({ isValid: false, difference });
  });
});
