import { createHash, createHmac } from 'node:crypto';

/**
 * X-Twilio-Signature of a webhook: base64 of HMAC-SHA1, by the auth token, over the address and each field's name and value,
 * names in order of their code units. Source: Twilio "Webhooks security".
 */
export function twilioSignature(authToken: string, url: string, fields: Readonly<Record<string, string>> = {}): string {
  const names = Object.keys(fields).sort((a, b) => (a < b ? -1 : Number(a > b)));
  const text = url + names.map((name) => name + fields[name]).join('');
  return createHmac('sha1', authToken).update(text, 'utf8').digest('base64');
}

/** The parameter that binds a JSON body to the address that is signed. */
export function bodySha256(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
