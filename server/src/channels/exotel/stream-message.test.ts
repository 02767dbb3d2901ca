import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clearMessage, markMessage, mediaMessage, parseStreamMessage, streamKeys } from './stream-message.ts';

describe('what Exotel says', () => {
  test.each([
    ['{"event":"connected"}', { type: 'ignored', event: 'connected' }],
    [
      '{"event":"start","sequence_number":"1","stream_sid":"s1","start":{"stream_sid":"s1","call_sid":"c1","media_format":{"encoding":"base64","sample_rate":"8000","bit_rate":"128kbps"}}}',
      { type: 'start', streamSid: 's1', format: { encoding: 'base64', sampleRate: '8000', bitRate: '128kbps' } },
    ],
    [
      '{"Event":"start","start":{"streamSid":"s1","callSid":"c1","mediaFormat":{"sampleRate":16000}}}',
      { type: 'start', streamSid: 's1', format: { sampleRate: '16000' } },
    ],
    [
      '{"event":"media","stream_sid":"s1","media":{"chunk":2,"timestamp":"100","payload":"AAA="}}',
      { type: 'media', payload: 'AAA=', timestampMs: 100 },
    ],
    ['{"event":"media","media":{"payload":""}}', { type: 'media', payload: '', timestampMs: null }],
    ['{"event":"dtmf","dtmf":{"digit":5,"duration":"100"}}', { type: 'dtmf', digit: '5' }],
    ['{"event":"mark","mark":{"name":"e1"}}', { type: 'mark', name: 'e1' }],
    ['{"event":"stop","stop":{"reason":"callended"}}', { type: 'stop' }],
    ['{"event":"closed"}', { type: 'stop' }],
  ])('%s', (message, expected) => {
    expect(parseStreamMessage(message)).toEqual(expected);
  });

  test.each([
    '{',
    '[]',
    '{"event":"start","start":{}}',
    '{"event":"media","media":{"payload":"A"}}',
    '{"event":"media","media":{"payload":"AA=A"}}',
    '{"event":"dtmf"}',
  ])('%s is malformed and says why', (message) => {
    expect(parseStreamMessage(message)).toEqual({ type: 'malformed', reason: expect.any(String) });
  });

  test('whatever it is, the parser does not throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (message) => {
        expect(parseStreamMessage(message).type).toEqual(expect.any(String));
      }),
    );
  });
});

test('what Exotel is told names the stream under both keys', () => {
  const keys = streamKeys('s"1');

  expect(
    [mediaMessage(keys, 'AAA='), markMessage(keys, 'e1'), clearMessage(keys)].map((text) => JSON.parse(text)),
  ).toEqual([
    { event: 'media', stream_sid: 's"1', streamSid: 's"1', media: { payload: 'AAA=' } },
    { event: 'mark', stream_sid: 's"1', streamSid: 's"1', mark: { name: 'e1' } },
    { event: 'clear', stream_sid: 's"1', streamSid: 's"1' },
  ]);
});
