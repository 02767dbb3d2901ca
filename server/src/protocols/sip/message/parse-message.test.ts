import { describe, expect, test } from 'vitest';
import { bodyText, headerOf, headersOf } from './message.ts';
import { type Framing, parseMessage } from './parse-message.ts';
import { serializeMessage, serializeRefusal, summarize } from './serialize-message.ts';
import {
  accepts,
  assertedCaller,
  hasOption,
  rackOf,
  replacesOf,
  secondsOf,
  sessionExpiresOf,
  tokensOf,
} from './typed-headers.ts';

const OPTIONS = [
  'OPTIONS sip:100@192.0.2.1 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKabc;rport',
  'Max-Forwards: 70',
  'From: <sip:9@192.0.2.9>;tag=f1',
  'To: <sip:100@192.0.2.1>',
  'Call-ID: a84b4c76e66710@192.0.2.9',
  'CSeq: 63104 OPTIONS',
];

describe('limits', () => {
  test('a message over 64 KiB is refused', () => {
    expect(parseMessage(new Uint8Array(65_537))).toMatchObject({
      ok: false,
      reason: 'message over 64 KiB',
      status: 513,
    });
  });

  test('over 128 headers are refused', () => {
    const many = Array.from({ length: 123 }, (_, index) => `X-${index}: 1`);

    expect(parse([...OPTIONS, ...many])).toMatchObject({ ok: false, reason: 'over 128 headers' });
  });

  test('128 headers are read', () => {
    const many = Array.from({ length: 122 }, (_, index) => `X-${index}: 1`);

    expect(parse([...OPTIONS, ...many])).toMatchObject({ ok: true });
  });

  test('a header over 8 KiB is refused, folded or not', () => {
    const folded = ['X-Long: a', ...Array.from({ length: 90 }, () => ` ${'b'.repeat(100)}`)];

    expect(parse([...OPTIONS, `X-Long: ${'a'.repeat(8192)}`])).toMatchObject({
      ok: false,
      reason: 'a header over 8 KiB',
    });
    expect(parse([...OPTIONS, ...folded])).toMatchObject({ ok: false, reason: 'a header over 8 KiB' });
  });
});

describe('Content-Length (18.3)', () => {
  test('UDP: bytes beyond it are trimmed', () => {
    const result = parse([...OPTIONS, 'Content-Length: 2'], 'hello');

    expect(result.ok && bodyText(result.message)).toBe('he');
  });

  test('UDP: without it the body is the rest of the datagram', () => {
    const result = parse(OPTIONS, 'hello');

    expect(result.ok && bodyText(result.message)).toBe('hello');
  });

  test('UDP: a body shorter than announced is refused with 400', () => {
    expect(parse([...OPTIONS, 'Content-Length: 6'], 'hello')).toMatchObject({ ok: false, status: 400 });
  });

  test('a stream must announce it', () => {
    expect(parse(OPTIONS, '', 'stream')).toMatchObject({ ok: false, reason: 'no Content-Length on a stream' });
  });
});

describe('header forms', () => {
  test('compact and odd-case names are one header', () => {
    const result = parse([...OPTIONS, 'k: timer', 'SUPPORTED: 100rel , replaces', 'x: 1800;refresher=uac']);

    expect(result.ok && tokensOf(result.message, 'supported')).toEqual(['timer', '100rel', 'replaces']);
    expect(result.ok && hasOption(result.message, 'replaces')).toBe(true);
    expect(result.ok && sessionExpiresOf(result.message)).toEqual({ seconds: 1800, refresher: 'uac' });
  });

  test('a line break smuggled into a value cannot start a header of its own', () => {
    const result = parse(OPTIONS);
    if (!result.ok) throw new Error(result.reason);
    const message = { ...result.message, headers: [{ name: 'X-Note', value: 'a\r\nX-Evil: b' }] };

    const again = parseMessage(serializeMessage(message));

    expect(again.ok && headersOf(again.message, 'X-Evil')).toEqual([]);
    expect(again.ok && headerOf(again.message, 'X-Note')).toBe('a X-Evil: b');
  });

  test('typed readers answer undefined for what is malformed', () => {
    const message = {
      headers: [
        { name: 'RAck', value: 'x 1 INVITE' },
        { name: 'Min-SE', value: 'soon' },
      ],
    };

    expect(rackOf(message)).toBeUndefined();
    expect(secondsOf(message, 'Min-SE')).toBeUndefined();
    expect(replacesOf(message)).toBeUndefined();
  });

  test('Replaces names the dialog by its three parts', () => {
    const headers = [{ name: 'Replaces', value: '98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff' }];

    expect(replacesOf({ headers })).toEqual({ callId: '98732@sip.example.com', fromTag: 'r33th4x0r', toTag: 'ff87ff' });
  });

  test('Retry-After is read with its comment', () => {
    expect(secondsOf({ headers: [{ name: 'Retry-After', value: '120 (I am in a meeting)' }] }, 'Retry-After')).toBe(
      120,
    );
  });

  test('no Accept means SDP, a wildcard means all', () => {
    expect(accepts({ headers: [] }, 'application/sdp')).toBe(true);
    expect(accepts({ headers: [{ name: 'Accept', value: 'application/*;q=0.3' }] }, 'application/sdp')).toBe(true);
    expect(accepts({ headers: [{ name: 'Accept', value: 'text/plain' }] }, 'application/sdp')).toBe(false);
  });

  test('P-Asserted-Identity goes before From, its tel URI first', () => {
    const result = parse([...OPTIONS, 'P-Asserted-Identity: "C" <sip:9@example.com>, <tel:+15551234>']);

    expect(result.ok && assertedCaller(result.message).uri).toBe('tel:+15551234');
  });
});

test('a refusal repeats the five headers as they came, so its sender can match it', () => {
  const broken = OPTIONS.map((line) => line.replace('Max-Forwards: 70', 'Max-Forwards: 300'));
  const result = parse(broken);
  if (result.ok || !result.echo) throw new Error('should be refused');

  const answer = parseMessage(serializeRefusal(result.status, result.reason, result.echo));

  expect(answer.ok && answer.message).toMatchObject({
    status: 400,
    callId: 'a84b4c76e66710@192.0.2.9',
    cseq: { number: 63104 },
  });
});

test('a summary for the log holds no URI', () => {
  const result = parse([...OPTIONS, 'User-Agent: scanner']);

  expect(result.ok && summarize(result.message)).toBe('OPTIONS 63104 from scanner');
});

function parse(lines: readonly string[], body = '', framing: Framing = 'datagram') {
  return parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`), framing);
}
