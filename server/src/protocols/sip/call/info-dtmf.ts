import { bodyText, type SipRequest } from '../message/message.ts';
import { contentTypeOf } from '../message/typed-headers.ts';

const DEFAULT_DURATION_MS = 250;
const MAX_DURATION_MS = 5000;
/** Event codes 10-15 that some devices send for the digit itself (RFC 4733, 3.2). */
const BY_CODE: Readonly<Record<string, string>> = { '10': '*', '11': '#', '12': 'A', '13': 'B', '14': 'C', '15': 'D' };

/**
 * The digit in an INFO: `application/dtmf-relay` (`Signal=5`, `Duration=160` in ms) or `application/dtmf` (`5`). Undefined for any
 * other body.
 */
export function parseInfoDigit(request: SipRequest): { digit: string; durationMs: number } | undefined {
  const type = contentTypeOf(request);
  const text = bodyText(request);
  const signal =
    type === 'application/dtmf-relay'
      ? /signal\s*=\s*(\S+)/i.exec(text)?.[1]
      : type === 'application/dtmf'
        ? text.trim()
        : undefined;
  const digit = (BY_CODE[signal ?? ''] ?? signal)?.toUpperCase();
  if (digit === undefined || !/^[0-9A-D*#]$/.test(digit)) return undefined;
  const duration = Number(/duration\s*=\s*([0-9]{1,5})/i.exec(text)?.[1] ?? DEFAULT_DURATION_MS);
  return { digit, durationMs: Math.min(duration || DEFAULT_DURATION_MS, MAX_DURATION_MS) };
}

/** The body and type of an INFO that carries a digit. */
export function printInfoDigit(digit: string, durationMs: number): { contentType: string; body: Uint8Array } {
  return { contentType: 'application/dtmf-relay', body: Buffer.from(`Signal=${digit}\r\nDuration=${durationMs}\r\n`) };
}
