import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Random } from '../core/ports/random.ts';

/** `rpd-`, 30 random characters (178 bits), 6 of their CRC-32: only letters, digits and one dash, so that it survives SIP users, dialplans and URLs unescaped. */
const PREFIX = 'rpd-';
const BODY_LENGTH = 30;
const CHECKSUM_LENGTH = 6;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^rpd-[0-9A-Za-z]{36}$/;
const SHOWN_LENGTH = PREFIX.length + 4;

export function newApiKey(random: Random): string {
  let body = '';
  while (body.length < BODY_LENGTH) body += DIGITS.charAt(random.below(DIGITS.length));
  return `${PREFIX}${body}${checksum(body)}`;
}

/** Whether the text has the form of a key and its checksum fits: what spares the database every guess and slip. */
export function isApiKey(text: string): boolean {
  if (!SHAPE.test(text)) return false;
  const body = text.slice(PREFIX.length, PREFIX.length + BODY_LENGTH);
  return text.endsWith(checksum(body));
}

/** What a key is looked up by. A fast hash is right for 178 random bits. */
export function hashApiKey(key: string): Uint8Array {
  return createHash('sha256').update(key).digest();
}

/** The part that may be shown, to recognise a key by. */
export function shownPrefix(key: string): string {
  return key.slice(0, SHOWN_LENGTH);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  while (text.length < CHECKSUM_LENGTH) {
    text = DIGITS.charAt(rest % DIGITS.length) + text;
    rest = Math.floor(rest / DIGITS.length);
  }
  return text;
}
