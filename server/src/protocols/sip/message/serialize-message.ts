import { type Header, headerOf, type SipMessage } from './message.ts';
import { printNameAddress } from './name-address.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { printVia } from './via.ts';

/** The bytes of a message (RFC 3261, 7). Content-Length is always written; line breaks in header values become spaces. */
export function serializeMessage(message: SipMessage): Uint8Array {
  const lines = [startLine(message)];
  for (const via of message.vias) lines.push(`Via: ${printVia(via)}`);
  if (message.type === 'request') lines.push(`Max-Forwards: ${message.maxForwards}`);
  lines.push(
    `From: ${printNameAddress(message.from)}`,
    `To: ${printNameAddress(message.to)}`,
    `Call-ID: ${message.callId}`,
    `CSeq: ${message.cseq.number} ${message.cseq.method}`,
  );
  for (const { name, value } of message.headers) lines.push(`${name}: ${oneLine(value)}`);
  return withBody(lines, message.body);
}

/**
 * An answer to a request that could not be parsed: the raw values of its five routing headers go back as they came
 * (RFC 3261, 8.2.6.2), so the sender can match it.
 */
export function serializeRefusal(status: number, reason: string, echoed: readonly Header[]): Uint8Array {
  const lines = [`SIP/2.0 ${status} ${reasonPhrase(status)}`];
  for (const { name, value } of echoed) lines.push(`${name}: ${oneLine(value)}`);
  lines.push(`Warning: 399 - "${oneLine(reason).replace(/["\\]/g, "'")}"`);
  return withBody(lines, new Uint8Array(0));
}

/** What a log may show of a message: never its URIs, credentials or body. */
export function summarize(message: SipMessage): string {
  const what = message.type === 'request' ? message.method : `${message.status} to ${message.cseq.method}`;
  const userAgent = headerOf(message, message.type === 'request' ? 'User-Agent' : 'Server');
  return `${what} ${message.cseq.number}${userAgent === undefined ? '' : ` from ${oneLine(userAgent).slice(0, 60)}`}`;
}

function startLine(message: SipMessage): string {
  if (message.type === 'request') return `${message.method} ${message.uri} SIP/2.0`;
  return `SIP/2.0 ${message.status} ${oneLine(message.reason)}`;
}

function withBody(lines: string[], body: Uint8Array): Uint8Array {
  lines.push(`Content-Length: ${body.length}`, '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n')), body]);
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
