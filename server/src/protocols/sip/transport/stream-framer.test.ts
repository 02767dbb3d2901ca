import { describe, expect, test } from 'vitest';
import { bodyText } from '../message/message.ts';
import { StreamFramer, type StreamItem } from './stream-framer.ts';

const message = (cseq: number, body: string, length: number | string = body.length) =>
  `MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK${cseq}\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\n` +
  `Call-ID: x\r\nCSeq: ${cseq} MESSAGE\r\nl: ${length}\r\n\r\n${body}`;

describe('stream framing (18.3)', () => {
  test('two messages in one segment are two messages', () => {
    expect(shown(pushAll(message(1, 'one') + message(2, 'two')))).toEqual(['1 one', '2 two']);
  });

  test('a message cut at every byte arrives once and whole', () => {
    const text = message(1, 'hello\r\n\r\nworld');

    for (let cut = 1; cut < text.length; cut++)
      expect(shown(pushAll(text.slice(0, cut), text.slice(cut)))).toEqual(['1 hello\r\n\r\nworld']);
  });

  test('a double CRLF between messages is a ping, a single one is not', () => {
    expect(shown(pushAll('\r\n\r\n'))).toEqual(['ping']);
    expect(shown(pushAll('\r\n'))).toEqual([]);
    expect(shown(pushAll(`${message(1, 'one')}\r\n\r\n${message(2, 'two')}`))).toEqual(['1 one', 'ping', '2 two']);
    expect(shown(pushAll(`\r\n${message(1, 'one')}`))).toEqual(['1 one']);
  });

  test('a ping may arrive in two halves', () => {
    expect(shown(pushAll('\r\n\r', '\n'))).toEqual(['ping']);
  });

  test('without Content-Length the message is refused and the stream is over', () => {
    const text = message(1, '').replace('l: 0\r\n', '') + message(2, 'two');

    expect(shown(pushAll(text))).toEqual([
      'refused: no Content-Length on a stream',
      'broken: a message without Content-Length',
    ]);
  });

  test('a body announced over 64 KiB breaks the stream before it is read', () => {
    expect(shown(pushAll(message(1, '', 70_000)))).toEqual(['broken: a message over 64 KiB']);
  });

  test('headers without end break the stream at 64 KiB', () => {
    expect(shown(pushAll('X'.repeat(70_000)))).toEqual(['broken: headers over 64 KiB']);
  });

  test('a malformed message does not end a stream whose framing is intact', () => {
    const broken = message(1, 'x').replace('Call-ID: x\r\n', '');

    expect(shown(pushAll(broken + message(2, 'two')))).toEqual(['refused: no Call-ID, or a malformed one', '2 two']);
  });
});

function pushAll(...chunks: string[]): StreamItem[] {
  const framer = new StreamFramer();
  return chunks.flatMap((chunk) => [...framer.push(Buffer.from(chunk))]);
}

function shown(items: StreamItem[]): string[] {
  return items.map((item) => {
    if (item.type === 'ping') return 'ping';
    if (item.type === 'broken') return `broken: ${item.reason}`;
    if (!item.result.ok) return `refused: ${item.result.reason}`;
    return `${item.result.message.cseq.number} ${bodyText(item.result.message)}`;
  });
}
