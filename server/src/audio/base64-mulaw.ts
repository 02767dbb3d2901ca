import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from './g711.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d;
const INVALID = 0xff;
/** Character code -> six bits; INVALID outside the alphabet. */
const SIX_BITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = ALPHABET.indexOf(String.fromCharCode(code));
  return value < 0 ? INVALID : value;
});
const CHARACTERS = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));

/**
 * Decodes base64 text of μ-law bytes (RFC 4648, section 4, padding required) straight into linear samples. Returns the count;
 * -1 when the text has a character outside the alphabet, a length that is no multiple of four, or does not fit.
 */
export function decodeBase64Mulaw(text: Uint8Array, from: number, to: number, samples: Int16Array): number {
  const length = to - from;
  if (length === 0) return 0;
  if (length % 4 !== 0) return -1;
  const padding = text[to - 1] === PAD ? (text[to - 2] === PAD ? 2 : 1) : 0;
  const count = (length / 4) * 3 - padding;
  if (count > samples.length) return -1;
  let written = 0;
  let seen = 0;
  for (let at = from; at < to; at += 4) {
    const last = at + 4 === to ? padding : 0;
    const a = SIX_BITS[text[at] as number] as number;
    const b = SIX_BITS[text[at + 1] as number] as number;
    const c = last > 1 ? 0 : (SIX_BITS[text[at + 2] as number] as number);
    const d = last > 0 ? 0 : (SIX_BITS[text[at + 3] as number] as number);
    seen |= a | b | c | d;
    samples[written++] = MULAW_TO_LINEAR[((a << 2) | (b >> 4)) & 0xff] as number;
    if (last < 2) samples[written++] = MULAW_TO_LINEAR[((b << 4) | (c >> 2)) & 0xff] as number;
    if (last < 1) samples[written++] = MULAW_TO_LINEAR[((c << 6) | d) & 0xff] as number;
  }
  return seen >= 0x40 ? -1 : written;
}

/** Encodes samples as base64 text of μ-law bytes into `text` from `at` on; returns the position behind it. */
export function encodeBase64Mulaw(samples: Int16Array, text: Uint8Array, at: number): number {
  const whole = samples.length - (samples.length % 3);
  let index = 0;
  for (; index < whole; index += 3) {
    const a = LINEAR_TO_MULAW[(samples[index] as number) & 0xffff] as number;
    const b = LINEAR_TO_MULAW[(samples[index + 1] as number) & 0xffff] as number;
    const c = LINEAR_TO_MULAW[(samples[index + 2] as number) & 0xffff] as number;
    text[at++] = CHARACTERS[a >> 2] as number;
    text[at++] = CHARACTERS[((a & 3) << 4) | (b >> 4)] as number;
    text[at++] = CHARACTERS[((b & 15) << 2) | (c >> 6)] as number;
    text[at++] = CHARACTERS[c & 63] as number;
  }
  if (index === samples.length) return at;
  const a = LINEAR_TO_MULAW[(samples[index] as number) & 0xffff] as number;
  const isPair = samples.length - index === 2;
  const b = isPair ? (LINEAR_TO_MULAW[(samples[index + 1] as number) & 0xffff] as number) : 0;
  text[at++] = CHARACTERS[a >> 2] as number;
  text[at++] = CHARACTERS[((a & 3) << 4) | (b >> 4)] as number;
  text[at++] = isPair ? (CHARACTERS[(b & 15) << 2] as number) : PAD;
  text[at++] = PAD;
  return at;
}
