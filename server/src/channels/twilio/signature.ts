import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export type SignedRequest = {
  /** PUBLIC_ASSISTANT_HOST, with its port where it has one. */
  readonly publicHost: string;
  /** Path and query exactly as they came. */
  readonly rawTarget: string;
  /** The scheme Twilio used: https for webhooks, wss for the stream's upgrade. */
  readonly scheme: 'https' | 'wss';
  /** Every value of every form field; empty for GET and for the upgrade. */
  readonly formFields: ReadonlyMap<string, readonly string[]>;
  /** The raw body where it is JSON; its hash is then part of the URL. */
  readonly jsonBody: Uint8Array | null;
};

/** What differed when a signature does not verify; says nothing about the token. */
export type SignatureVerdict =
  | { readonly isValid: true }
  | { readonly isValid: false; readonly difference: 'missing' | 'malformed' | 'body_hash' | 'url_or_fields' };

const SIGNATURE_BYTES = 20;

/**
 * Verifies X-Twilio-Signature: base64(HMAC-SHA1(auth token, URL + each field's name and value, names sorted by code unit)).
 * The URL is tried as we know it, and with its port removed or the default port added, as Twilio's own SDK does.
 * Constant time in the comparison. Source: Twilio "Webhooks security".
 */
export function verifyTwilioSignature(
  request: SignedRequest,
  signature: string | undefined,
  authTokens: readonly string[],
): SignatureVerdict {
  if (!signature) return { isValid: false, difference: 'missing' };
  const given = Buffer.from(signature, 'base64');
  if (given.length !== SIGNATURE_BYTES) return { isValid: false, difference: 'malformed' };
  if (request.jsonBody && !hasBodyHash(request.rawTarget, request.jsonBody)) {
    return { isValid: false, difference: 'body_hash' };
  }
  const fields = request.jsonBody ? '' : concatenate(request.formFields);
  let isValid = false;
  for (const token of authTokens) {
    for (const url of urlForms(request)) {
      const expected = createHmac('sha1', token)
        .update(url + fields, 'utf8')
        .digest();
      isValid = timingSafeEqual(expected, given) || isValid;
    }
  }
  return isValid ? { isValid } : { isValid, difference: 'url_or_fields' };
}

function concatenate(fields: SignedRequest['formFields']): string {
  const names = Array.from(fields.keys()).sort(byCodeUnit);
  return names
    .flatMap((name) =>
      Array.from(new Set(fields.get(name)))
        .sort(byCodeUnit)
        .map((value) => name + value),
    )
    .join('');
}

function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function urlForms(request: SignedRequest): readonly string[] {
  const { scheme, publicHost, rawTarget } = request;
  const bare = publicHost.replace(/:\d+$/, '');
  const hosts = new Set([publicHost, bare, `${bare}:443`]);
  const schemes = scheme === 'wss' ? ['wss', 'https'] : ['https'];
  const targets =
    scheme === 'wss' ? [rawTarget, rawTarget.endsWith('/') ? rawTarget.slice(0, -1) : `${rawTarget}/`] : [rawTarget];
  return schemes.flatMap((each) =>
    Array.from(hosts).flatMap((host) => targets.map((target) => `${each}://${host}${target}`)),
  );
}

function hasBodyHash(rawTarget: string, body: Uint8Array): boolean {
  const given = new URLSearchParams(rawTarget.split('?')[1] ?? '').get('bodySHA256');
  return given?.toLowerCase() === createHash('sha256').update(body).digest('hex');
}
