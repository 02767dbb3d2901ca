/** Field names whose value is a secret, whatever it looks like. Ids of secrets (apiKeyId) are none. */
const SECRET_NAME = /(key|token|secret|password|authorization|cookie|credential|pem)s?$/i;
/** Field names whose digits are not a phone number. */
const ID_NAME = /(id|ids|port|pid|version|count|ms|bytes|address|host|url)$/i;

const HIDDEN = '***';

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // API keys of ours, and the usual form of vendors' keys.
  [/\brpd-[0-9A-Za-z]+/g, 'rpd-***'],
  [/\b(sk|pk|rk|whsec|xi)[-_][0-9A-Za-z_-]{12,}/g, '$1-***'],
  [/\b(Bearer|Basic|Digest)\s+[^\s,;"']+/gi, '$1 ***'],
  [/([?&;](?:x-api-key|api[-_]?key|key|token|access_token|password|secret|signature|sig)=)[^&\s"'<>]*/gi, '$1***'],
  [/(["']?(?:x-api-key|authorization|api[-_]?key|password|secret|token)["']?\s*[:=]\s*["']?)[^\s"',;&}]+/gi, '$1***'],
  // sip:user:password@host and scheme://user:password@host (RFC 3261, 19.1.1; RFC 3986, 3.2.1).
  [/\b(sips?:[^\s:@<>;]*):[^\s@<>]+@/gi, '$1:***@'],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi, '$1:***@'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '-----PRIVATE KEY ***-----'],
];

/** `+` and digits as people group them, or 7 to 15 digits (E.164) in a row; parts of UUIDs, dates and decimals are none. */
const PHONE_NUMBER = /\+\d[\d ().-]{5,}\d|(?<![\w.:/-])\d{7,15}(?![\w-]|\.\d)/g;

/** A log field as it may be written: secrets hidden by name and by look, phone numbers cut to their last three digits. */
export function redactField(name: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (SECRET_NAME.test(name)) return HIDDEN;
    return ID_NAME.test(name) ? redactSecrets(value) : redactText(value);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value;
  return SECRET_NAME.test(name) ? HIDDEN : redactText(String(value));
}

/** Free text as it may be written. */
export function redactText(text: string): string {
  return redactSecrets(text).replace(PHONE_NUMBER, (number) => `***${number.replace(/\D/g, '').slice(-3)}`);
}

function redactSecrets(text: string): string {
  return SECRETS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}
