import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { clearMessage, markMessage, mediaEnds, parseStreamMessage } from './stream-message.ts';

/** Counts the payload's bytes; no base64 is -1, as the real decoder says. */
const decode = (base64: Buffer, from: number, to: number) => {
  const payload = base64.toString('latin1', from, to);
  return /^[A-Za-z0-9+/]*={0,2}$/.test(payload) && payload.length % 4 === 0
    ? Buffer.from(payload, 'base64').length
    : -1;
};
const parse = (message: unknown) => parseStreamMessage(Buffer.from(JSON.stringify(message)), decode);
const media = (payload: string, over: object = {}) => ({
  event: 'media',
  sequenceNumber: '4',
  media: { track: 'inbound', chunk: '2', timestamp: '5', payload },
  streamSid: 'MZ1',
  ...over,
});

describe('the caller side of a stream', () => {
  test('start names the call and gives the parameters of the TwiML back', () => {
    const start = {
      streamSid: 'MZ1',
      callSid: 'CA1',
      accountSid: 'AC1',
      tracks: ['inbound'],
      customParameters: { assistant_id: '7' },
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
    };

    expect(parse({ event: 'start', sequenceNumber: '1', streamSid: 'MZ1', start })).toEqual({
      type: 'start',
      streamSid: 'MZ1',
      callSid: 'CA1',
      accountSid: 'AC1',
      parameters: { assistant_id: '7' },
    });
  });

  test('audio, keys, marks and the stop', () => {
    expect(parse(media('AAAA'))).toEqual({ type: 'media', samples: 3, sequence: 4 });
    expect(parse({ event: 'dtmf', dtmf: { track: 'inbound_track', digit: '#' } })).toEqual({
      type: 'dtmf',
      digit: '#',
    });
    expect(parse({ event: 'mark', mark: { name: 'm1' } })).toEqual({ type: 'mark', name: 'm1' });
    expect(parse({ event: 'stop', stop: { callSid: 'CA1' } })).toEqual({ type: 'stop' });
    expect(parse({ event: 'connected', protocol: 'Call', version: '1.0.0' })).toEqual({
      type: 'ignored',
      event: 'connected',
    });
  });

  test.each([
    ['{', 'no JSON'],
    ['[]', 'no JSON object'],
    ['{"event":"start","start":{}}', 'start without streamSid or callSid'],
    ['{"event":"dtmf","dtmf":{"digit":"12"}}', 'dtmf without a digit'],
    ['{"event":"media","sequenceNumber":"1","media":{"track":"inbound","payload":"A*=="}}', 'the payload is no base64'],
  ])('%s is malformed: %s', (message, reason) => {
    expect(parseStreamMessage(Buffer.from(message), decode)).toEqual({ type: 'malformed', reason });
  });

  test('the scanner and JSON.parse agree on what is almost as Twilio writes it', () => {
    const texts = [
      '{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"AAAA"},"streamSid":"MZ1"}',
      '{"event":"media","sequenceNumber":"3","streamSid":"MZ1","media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"AAAA"}}',
      '{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"e12"}}',
    ];
    const change = fc.record({
      text: fc.constantFrom(...texts),
      at: fc.nat(140),
      cut: fc.nat(3),
      put: fc.constantFrom(
        '',
        '"',
        '\\',
        '\\"',
        '{',
        '}',
        ',',
        'A',
        '=',
        '0',
        ' ',
        'é',
        '"x":"AAAA",',
        '9999999999999999',
      ),
    });

    fc.assert(
      fc.property(change, ({ text, at, cut, put }) => {
        const json = text.slice(0, at) + put + text.slice(at + cut);

        expect(parseStreamMessage(Buffer.from(json), decode)).toEqual(
          parseStreamMessage(Buffer.from(` ${json}`), decode),
        );
      }),
      { numRuns: 5_000 },
    );
  });

  test('the scanner and JSON.parse agree on media of any order, spacing and content', () => {
    const slowly = (json: string) => parseStreamMessage(Buffer.from(` ${json}`), decode);
    const members = fc.record({
      track: fc.constantFrom('inbound', 'outbound', 'in"bound'),
      payload: fc.oneof(fc.base64String(), fc.string()),
      sequence: fc.oneof(fc.nat().map(String), fc.string()),
      order: fc.shuffledSubarray(['sequenceNumber', 'media', 'streamSid'], { minLength: 1 }),
      extra: fc.oneof(fc.constant(undefined), fc.string(), fc.record({ payload: fc.base64String() })),
    });

    fc.assert(
      fc.property(members, ({ track, payload, sequence, order, extra }) => {
        const values = { sequenceNumber: sequence, media: { track, payload, extra }, streamSid: 'MZ1' };
        const body = order.map((name) => [name, values[name as keyof typeof values]]);
        const json = JSON.stringify({ event: 'media', ...Object.fromEntries(body) });

        expect(parseStreamMessage(Buffer.from(json), decode)).toEqual(slowly(json));
      }),
      { numRuns: 2_000 },
    );
  });
});

test('both orders that Twilio writes are scanned, and marks: none builds an object', () => {
  const media = '"media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"AAAA"}';
  const parse = vi.spyOn(JSON, 'parse');

  const first = parseStreamMessage(
    Buffer.from(`{"event":"media","sequenceNumber":"3","streamSid":"MZ1",${media}}`),
    decode,
  );
  const last = parseStreamMessage(
    Buffer.from(`{"event":"media","sequenceNumber":"3",${media},"streamSid":"MZ1"}`),
    decode,
  );
  const mark = parseStreamMessage(
    Buffer.from('{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"e12"}}'),
    decode,
  );

  expect([first, last]).toEqual(Array(2).fill({ type: 'media', samples: 3, sequence: 3 }));
  expect(mark).toEqual({ type: 'mark', name: 'e12' });
  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
});

test('our side says nothing beyond what Twilio takes', () => {
  const { head, tail } = mediaEnds('MZ1');

  expect(JSON.parse(`${head}AAAA${tail}`)).toEqual({
    event: 'media',
    streamSid: 'MZ1',
    media: { payload: 'AAAA' },
  });
  expect(JSON.parse(markMessage('MZ1', 'a"b'))).toEqual({ event: 'mark', streamSid: 'MZ1', mark: { name: 'a"b' } });
  expect(JSON.parse(clearMessage('MZ1'))).toEqual({ event: 'clear', streamSid: 'MZ1' });
});
