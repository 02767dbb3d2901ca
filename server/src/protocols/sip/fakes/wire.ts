import type { Random } from '../environment.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { type ParseResult, parseMessage } from '../message/parse-message.ts';
import type { Flow, Protocol, Target } from '../transport/flow.ts';

/** Randomness that repeats: 0, 1, 2 ... */
export class CountingRandom implements Random {
  #next = 0;
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(Math.max(0, count - 4), this.#next++);
    return bytes;
  }
  below(limit: number): number {
    return this.#next++ % limit;
  }
}

/** A flow that keeps what is sent on it; `isOpen = false` makes it fail. */
export class FakeFlow implements Flow {
  readonly protocol: Protocol;
  readonly remote: Target;
  readonly local: Target;
  isOpen = true;
  readonly sent: SipMessage[] = [];
  /** For a test to remember what it looked at. */
  last: SipMessage | undefined;

  constructor(protocol: Protocol = 'UDP', remote = '192.0.2.9:5062') {
    const [address = '', port = ''] = remote.split(':');
    this.protocol = protocol;
    this.remote = { protocol, address, port: Number(port) };
    this.local = { protocol, address: '192.0.2.1', port: 5090 };
  }

  send(bytes: Uint8Array): boolean {
    if (!this.isOpen) return false;
    // Keep-alives are no messages, and the refusal of a malformed request repeats its malformed headers.
    const result = parseMessage(bytes);
    if (result.ok) this.sent.push(result.message);
    return true;
  }

  /** What was sent since the last look, in short: `INVITE`, `200`. */
  take(): string[] {
    return this.sent.splice(0).map((message) => (message.type === 'request' ? message.method : `${message.status}`));
  }
}

/** Parses lines as a request; the usual headers are added where absent. */
export function request(start: string, ...lines: string[]): SipRequest {
  const [method = ''] = start.split(' ');
  const usual: [string, string][] = [
    ['Via', 'SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKpeer1;rport'],
    ['From', '<sip:caller@192.0.2.9>;tag=peer'],
    ['To', '<sip:100@192.0.2.1>'],
    ['Call-ID', 'call-1@192.0.2.9'],
    ['CSeq', `1 ${method}`],
  ];
  const message = messageOf(parse([`${start} SIP/2.0`], lines, usual));
  if (message.type !== 'request') throw new Error('not a request');
  return message;
}

/** A response to a request we sent; a To tag is added unless the status is 100. */
export function responseTo(sent: SipRequest, status: number, ...lines: string[]): SipResponse {
  const [text, body = ''] = lines.join('\r\n').split('\r\n\r\n');
  const extra = (text ?? '').split('\r\n').filter((line) => line !== '');
  const toTag = extra.find((line) => line.startsWith('To-Tag: '))?.slice(8) ?? 'answer';
  const headers = extra
    .filter((line) => !line.startsWith('To-Tag: '))
    .map((line) => ({ name: line.slice(0, line.indexOf(':')), value: line.slice(line.indexOf(':') + 1).trim() }));
  const hasTag = status === 100 || sent.to.params.has('tag');
  const to = hasTag ? sent.to : { ...sent.to, params: new Map([...sent.to.params, ['tag', toTag]]) };
  return {
    type: 'response',
    status,
    reason: 'x',
    vias: sent.vias,
    from: sent.from,
    to,
    callId: sent.callId,
    cseq: sent.cseq,
    headers,
    body: Buffer.from(body),
  };
}

export function ok(message: SipMessage): ParseResult {
  return { ok: true, message };
}

function parse(start: string[], lines: string[], usual: [string, string][]): ParseResult {
  const blank = lines.indexOf('');
  const head = blank < 0 ? lines : lines.slice(0, blank);
  const body =
    blank < 0
      ? ''
      : lines
          .slice(blank + 1)
          .map((line) => `${line}\r\n`)
          .join('');
  const missing = usual.filter(([name]) => !head.some((line) => line.startsWith(`${name}:`)));
  const all = [...start, ...missing.map(([name, value]) => `${name}: ${value}`), ...head];
  return parseMessage(Buffer.from(`${all.join('\r\n')}\r\n\r\n${body}`));
}

function messageOf(result: ParseResult): SipMessage {
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}
