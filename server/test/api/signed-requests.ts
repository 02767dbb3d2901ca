import { createHash, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import twilio from 'twilio';
import { PUBLIC_HOST } from './api-world.ts';

export const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
export const AUTH_TOKEN = 'the-auth-token-of-the-account-1234';
export const TWILIO_VALUES = { account_sid: ACCOUNT_SID, account_token: AUTH_TOKEN };

/** A form as Twilio posts it, signed by Twilio's own SDK. */
export function twilioForm(path: string, fields: Record<string, string>, token = AUTH_TOKEN): RequestInit {
  const signature = twilio.getExpectedTwilioSignature(token, `https://${PUBLIC_HOST}${path}`, fields);
  return {
    method: 'POST',
    headers: { 'x-twilio-signature': signature },
    body: new URLSearchParams(fields),
  };
}

export const SIGNATURE_SECRET = 'the signature secret of the account';
export const VONAGE_VALUES = {
  api_key: 'abcd1234',
  api_secret: 'the-api-secret-5678',
  application_id: 'app-1',
  private_key: '-----BEGIN PRIVATE KEY-----\nMIIabcdefgh\n-----END PRIVATE KEY-----',
};

/** A JSON webhook as Vonage signs it (Vonage "Signed webhooks"). */
export async function vonageJson(body: object, claims: object = {}, secret = SIGNATURE_SECRET): Promise<RequestInit> {
  const text = JSON.stringify(body);
  const token = await new SignJWT({
    iss: 'Vonage',
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    api_key: 'abcd1234',
    application_id: 'app-1',
    payload_hash: createHash('sha256').update(text).digest('hex'),
    ...claims,
  })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: text,
  };
}

export const EXOTEL_VALUES = { api_key: 'exotel-key-0001', api_secret: 'exotel-token-0002', account_sid: 'exo1' };
