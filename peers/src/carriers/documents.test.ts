import { describe, expect, test } from 'vitest';
import { readAppletAnswer, readConnectAnswer, readExoml } from './exotel/answer.ts';
import { readTwiml } from './twilio/twiml.ts';
import { readNcco } from './vonage/ncco.ts';

const stream = (attributes: string, inner = '') =>
  `<Response><Connect><Stream ${attributes}>${inner}</Stream></Connect></Response>`;
const socket = { type: 'websocket', uri: 'wss://h/x', 'content-type': 'audio/l16;rate=16000' };

describe('TwiML is read as Twilio reads it', () => {
  test('a stream with its parameters, entities resolved', () => {
    const inner = '<Parameter name="caller" value="&lt;O&apos;Neil &amp; &#x53;ons&gt;"/>';

    expect(readTwiml(`<?xml version="1.0"?>\n${stream('url="wss://h/x" name="1__2"', inner)}\n`).verbs).toEqual([
      {
        type: 'stream',
        url: 'wss://h/x',
        name: '1__2',
        statusCallback: null,
        parameters: { caller: "<O'Neil & Sons>" },
      },
    ]);
  });

  test.each([
    ['<Response><Connect></Response>', /^12100/],
    ['<Response/><Response/>', /^12100/],
    ['<Response a="1" a="2"/>', /^12100: the attribute a stands twice/],
    ['<Response><Say>&nbsp;</Say></Response>', /^12100: &nbsp; is no entity/],
    ['<Response><Dance/></Response>', /^12200/],
    [stream('url="ws://h/x"'), /^31941/],
    [stream('url="wss://h/x?a=b"'), /^31941/],
    [stream('url="wss://h/x" track="both_tracks"'), /^31941/],
    [stream('url="wss://h/x"', `<Parameter name="a" value="${'x'.repeat(500)}"/>`), /^31941/],
    ['<Response><Dial></Dial></Response>', /^13223/],
    [`<Response>${' '.repeat(65_536)}</Response>`, /^12100/],
  ])('%s is refused', (text, error) => {
    expect(() => readTwiml(text)).toThrow(error);
  });
});

describe('an NCCO is read as Vonage reads it', () => {
  test.each([
    [{}, 'an NCCO is an array of actions'],
    [[{ action: 'connect', endpoint: [socket], headers: {} }], 'connect has no key headers'],
    [[{ action: 'connect', endpoint: [{ ...socket, content_type: 'x' }] }], 'websocket has no key content_type'],
    [[{ action: 'connect', endpoint: [{ ...socket, 'content-type': 'audio/l16;rate=44100' }] }], /content-type/],
    [[{ action: 'connect', endpoint: [socket, socket] }], 'connect takes one endpoint'],
    [[{ action: 'connect', endpoint: [{ type: 'phone', number: '+1555' }] }], 'number is E.164 without +'],
    [[{ action: 'connect', endpoint: [{ ...socket, headers: { a: 'x'.repeat(512) } }] }], /512 bytes/],
  ])('%j is refused', (ncco, error) => {
    expect(() => readNcco(ncco)).toThrow(error);
  });
});

describe("Exotel's answers", () => {
  test('a Connect applet takes numbers with 200, and goes the other way with 302', () => {
    const body = '{"fetch_after_attempt":false,"destination":{"numbers":["+14155550199"]},"max_ringing_duration":20}';

    expect(readConnectAnswer(200, body)).toEqual({ numbers: ['+14155550199'], ringSeconds: 20 });
    expect(readConnectAnswer(302, '')).toBeNull();
    expect(() => readConnectAnswer(200, '{"numbers":[]}')).toThrow(/destination/);
    expect(() => readConnectAnswer(200, '{"destination":{"numbers":["sip:x"]}}')).toThrow(/no number/);
    expect(() => readConnectAnswer(204, '')).toThrow(/not 204/);
  });

  test('an applet wants JSON with a url, ExoML a StartStream both ways', () => {
    expect(readAppletAnswer('application/json', '{"url":"wss://h/x"}')).toEqual({
      url: 'wss://h/x',
      encoding: 'linear',
    });
    expect(readExoml('<Flow><StartStream streamType="bidirectional" url="wss://h/x"/></Flow>')).toEqual({
      url: 'wss://h/x',
      encoding: 'mulaw',
    });
    expect(() => readAppletAnswer('text/xml', '{"url":"wss://h/x"}')).toThrow('the applet takes JSON, not text/xml');
    expect(() => readAppletAnswer('application/json', '{"uri":"wss://h/x"}')).toThrow(/no ws address/);
    expect(() => readExoml('<Flow><StartStream streamType="unidirectional" url="wss://h/x"/></Flow>')).toThrow(
      /unidir/,
    );
  });
});
