import { describe, expect, test } from 'vitest';
import { type AgreedMedia, isHeld } from './agreed-media.ts';
import type { CodecName } from './codecs.ts';
import { SdpNegotiator } from './sdp-negotiator.ts';
import { parseSessionDescription } from './session-description.ts';

const ASTERISK = [
  'm=audio 31002 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=maxptime:140',
  'a=sendrecv',
];
const KEY = Buffer.alloc(30, 7);
const KEY_TEXT = KEY.toString('base64');

describe('answering (RFC 3264, 6)', () => {
  test("Asterisk's offer: the first codec, its telephone-event number, our address", () => {
    const { negotiator, agreed } = setup();

    expect(negotiator.answer(sdp(ASTERISK))).toBe(
      [
        'v=0',
        'o=- 77 1 IN IP4 203.0.113.1',
        's=-',
        'c=IN IP4 203.0.113.1',
        't=0 0',
        'm=audio 10000 RTP/AVP 0 101',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=sendrecv',
        '',
      ].join('\r\n'),
    );
    expect(agreed[0]).toMatchObject({
      payloadType: 0,
      dtmfPayloadType: 101,
      remote: { address: '192.0.2.9', port: 31002, rtcpPort: 31003 },
    });
  });

  test("the offerer's order decides, not ours", () => {
    const { negotiator, agreed } = setup();

    negotiator.answer(sdp(['m=audio 5000 RTP/AVP 18 8 0']));

    expect(agreed[0]?.codec.name).toBe('PCMA');
  });

  test('static payload types need no rtpmap; telephone-event keeps the offered number', () => {
    const { negotiator, agreed } = setup();

    negotiator.answer(sdp(['m=audio 5000 RTP/AVP 0 97', 'a=rtpmap:97 telephone-event/8000']));

    expect([agreed[0]?.codec.name, agreed[0]?.dtmfPayloadType]).toEqual(['PCMU', 97]);
  });

  test('telephone-event on another clock than the audio is not taken', () => {
    const { negotiator, agreed } = setup(['L16']);
    const offer = [
      'm=audio 5000 RTP/AVP 96 101 102',
      'a=rtpmap:96 L16/16000',
      'a=rtpmap:101 telephone-event/8000',
      'a=rtpmap:102 telephone-event/16000',
    ];

    negotiator.answer(sdp(offer));

    expect(agreed[0]).toMatchObject({ payloadType: 96, dtmfPayloadType: 102, codec: { sampleRate: 16000 } });
  });

  test('G.722: clock 8000, samples 16000', () => {
    const { negotiator, agreed } = setup(['G722']);

    negotiator.answer(sdp(['m=audio 5000 RTP/AVP 9']));

    expect(agreed[0]?.codec).toEqual({ name: 'G722', clockRate: 8000, sampleRate: 16000, payloadType: 9 });
  });

  test('other lines keep their place and order, refused by port 0', () => {
    const { negotiator } = setup();

    const answer = negotiator.answer(sdp(['m=video 6000 RTP/AVP 31', ...ASTERISK, 'm=application 9 UDP/BFCP *']));

    expect(answer?.match(/^m=.*$/gm)?.map((line) => line.trim())).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 10000 RTP/AVP 0 101',
      'm=application 0 UDP/BFCP *',
    ]);
  });

  test.each([
    [['m=audio 5000 RTP/AVP 18'], 'no codec in common'],
    [['m=audio 0 RTP/AVP 0'], 'no audio line'],
    [['m=video 5000 RTP/AVP 31'], 'no audio line'],
    [[], 'no audio line'],
    [
      ['m=audio 5000 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_TEXT}`],
      'transport RTP/SAVP is not possible here',
    ],
    [['m=audio 5000 UDP/TLS/RTP/SAVPF 0'], 'transport UDP/TLS/RTP/SAVPF is not possible here'],
    [['m=audio 5000 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000'], 'no codec in common'],
    [['m=audio 5000 RTP/AVP 96', 'a=rtpmap:96 L16/16000/2'], 'no codec in common'],
  ])('%j is refused: %s', (lines, why) => {
    const { negotiator } = setup(['PCMU', 'L16']);

    expect(negotiator.answer(sdp(lines))).toBeUndefined();
    expect(negotiator.refusedBecause).toBe(why);
  });

  test.each([
    '',
    'v=1',
    'hello',
    'v=0\r\n',
    `v=0\r\no=- 1 1 IN IP4 a\r\n${'m=audio 1 RTP/AVP 0\r\n'.repeat(17)}`,
    `v=0\r\n${'a='.repeat(9000)}`,
  ])('what is no description is refused, not thrown at', (text) => {
    expect(parseSessionDescription(text)).toBeUndefined();
  });

  test('a session address counts where the line has none', () => {
    const offer =
      'v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n';

    expect(parseSessionDescription(offer)?.media[0]?.address).toBe('2001:db8::1');
  });
});

describe('hold (RFC 3264, 8.4)', () => {
  test.each([
    ['a=sendonly', '192.0.2.9', 'recvonly', true],
    ['a=inactive', '192.0.2.9', 'inactive', true],
    ['a=recvonly', '192.0.2.9', 'sendonly', false],
    ['a=sendrecv', '0.0.0.0', 'recvonly', true],
    ['a=sendrecv', '192.0.2.9', 'sendrecv', false],
  ])('%s from %s is answered %s', (attribute, address, direction, held) => {
    const { negotiator, agreed } = setup();

    const answer = negotiator.answer(sdp(['m=audio 5000 RTP/AVP 0', attribute], 1, address));

    expect(answer).toContain(`a=${direction}\r\n`);
    expect(isHeld(agreed[0] as AgreedMedia)).toBe(held);
  });
});

describe('o= versions (RFC 3264, 8)', () => {
  test('the same offer again is a refresh: same answer, nobody is told', () => {
    const { negotiator, agreed } = setup();
    const first = negotiator.answer(sdp(ASTERISK));

    expect(negotiator.answer(sdp(ASTERISK))).toBe(first);
    expect(agreed).toHaveLength(1);
  });

  test('a changed answer gets the next version, an equal one keeps it', () => {
    const { negotiator } = setup();
    const version = (text: string | undefined) => /^o=- 77 (\d+)/m.exec(text ?? '')?.[1];

    expect(version(negotiator.answer(sdp(ASTERISK, 1)))).toBe('1');
    expect(version(negotiator.answer(sdp(ASTERISK, 2)))).toBe('1');
    expect(version(negotiator.answer(sdp(['m=audio 31002 RTP/AVP 0', 'a=sendonly'], 3)))).toBe('2');
  });

  test('moving to another port is a change', () => {
    const { negotiator, agreed } = setup();
    negotiator.answer(sdp(ASTERISK));

    negotiator.answer(sdp(['m=audio 40000 RTP/AVP 0'], 2));

    expect(agreed.map(({ remote }) => remote.port)).toEqual([31002, 40000]);
  });
});

describe('offering', () => {
  test('all codecs in our order, events for each clock, rtcp-mux', () => {
    const { negotiator } = setup(['PCMU', 'PCMA', 'L16']);

    const lines = negotiator.offer().split('\r\n');

    expect(lines).toContain('m=audio 10000 RTP/AVP 0 8 118 101 102');
    expect(lines).toContain('a=rtpmap:102 telephone-event/16000');
    expect(lines).toContain('a=rtcp-mux');
  });

  test('the answer is read by what it kept', () => {
    const { negotiator, agreed } = setup();
    negotiator.offer();

    expect(
      negotiator.accept(sdp(['m=audio 6000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/8000', 'a=rtcp-mux'])),
    ).toBe(true);
    expect(agreed[0]).toMatchObject({
      codec: { name: 'PCMA' },
      hasRtcpMux: true,
      remote: { port: 6000, rtcpPort: 6000 },
    });
  });

  test('an answer that refuses the line, or has nothing of ours, cannot be used', () => {
    const { negotiator } = setup();
    negotiator.offer();

    expect(negotiator.accept(sdp(['m=audio 0 RTP/AVP 0']))).toBe(false);
    expect(negotiator.accept(sdp(['m=audio 6000 RTP/AVP 18']))).toBe(false);
  });

  test('an offer refused by the peer leaves what was agreed', () => {
    const { negotiator } = setup();
    negotiator.answer(sdp(ASTERISK));
    negotiator.direction = 'sendonly';
    negotiator.offer();

    negotiator.rollback();

    expect(negotiator.agreed?.direction).toBe('sendrecv');
    expect(negotiator.offer()).toContain('a=sendrecv');
  });
});

describe('SDES (RFC 4568)', () => {
  const secure = (...suites: string[]) => [
    'm=audio 5000 RTP/SAVP 0',
    ...suites.map((suite, at) => `a=crypto:${at + 1} ${suite} inline:${KEY_TEXT}|2^20|1:4`),
  ];

  test('the suite with the long tag is taken, under its own tag, with our key', () => {
    const { negotiator, agreed } = setup(['PCMU'], Buffer.alloc(30, 9));

    const answer = negotiator.answer(
      sdp(secure('AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80', 'F8_128_HMAC_SHA1_80')),
    );

    expect(answer).toContain('m=audio 10000 RTP/SAVP 0');
    expect(answer).toContain(`a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 9).toString('base64')}\r\n`);
    expect(agreed[0]?.srtp?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
    expect(Buffer.from(agreed[0]?.srtp?.remoteKey ?? [])).toEqual(KEY);
  });

  const GCM_KEY = Buffer.alloc(28, 5);
  const gcm = (tag: number, key = GCM_KEY) => `a=crypto:${tag} AEAD_AES_128_GCM inline:${key.toString('base64')}`;

  test('AES-GCM is taken where nothing else is offered, with the part of our key that it needs', () => {
    const { negotiator, agreed } = setup(['PCMU'], Buffer.alloc(30, 9));

    const answer = negotiator.answer(sdp(['m=audio 5000 RTP/SAVP 0', gcm(4)]));

    expect(answer).toContain(`a=crypto:4 AEAD_AES_128_GCM inline:${Buffer.alloc(28, 9).toString('base64')}\r\n`);
    expect(agreed[0]?.srtp?.suite).toBe('AEAD_AES_128_GCM');
    expect(Buffer.from(agreed[0]?.srtp?.localKey ?? [])).toEqual(Buffer.alloc(28, 9));
    expect(Buffer.from(agreed[0]?.srtp?.remoteKey ?? [])).toEqual(GCM_KEY);
  });

  test('beside another suite the other one is taken, and a key of the wrong length is none', () => {
    const { negotiator, agreed } = setup(['PCMU'], Buffer.alloc(30, 9));

    negotiator.answer(sdp([...secure('AES_CM_128_HMAC_SHA1_32'), gcm(7)]));

    expect(agreed[0]?.srtp?.suite).toBe('AES_CM_128_HMAC_SHA1_32');
    const other = setup(['PCMU'], KEY).negotiator;
    expect(other.answer(sdp(['m=audio 5000 RTP/SAVP 0', gcm(1, Buffer.alloc(30, 5))]))).toBeUndefined();
  });

  test('an offer of ours names it last, and its answer is taken', () => {
    const { negotiator, agreed } = setup(['PCMU'], Buffer.alloc(30, 9));

    const suites = [...negotiator.offer().matchAll(/a=crypto:(\d) (\S+) inline:(\S+)/g)].map(([, tag, suite, key]) => [
      tag,
      suite,
      Buffer.from(key ?? '', 'base64').length,
    ]);
    const isTaken = negotiator.accept(sdp(['m=audio 6000 RTP/SAVP 0', gcm(3)]));

    expect(suites).toEqual([
      ['1', 'AES_CM_128_HMAC_SHA1_80', 30],
      ['2', 'AES_CM_128_HMAC_SHA1_32', 30],
      ['3', 'AEAD_AES_128_GCM', 28],
    ]);
    expect([isTaken, agreed[0]?.srtp?.suite]).toEqual([true, 'AEAD_AES_128_GCM']);
  });

  test('a short key or an unknown suite alone is refused', () => {
    const { negotiator } = setup(['PCMU'], KEY);

    expect(
      negotiator.answer(sdp(['m=audio 5000 RTP/SAVP 0', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ='])),
    ).toBeUndefined();
    expect(negotiator.answer(sdp(secure('F8_128_HMAC_SHA1_80')))).toBeUndefined();
  });

  test('a secure offer answered plainly is not accepted', () => {
    const { negotiator } = setup(['PCMU'], KEY);

    expect(negotiator.offer()).toContain('RTP/SAVP');
    expect(negotiator.accept(sdp(['m=audio 6000 RTP/AVP 0']))).toBe(false);
  });

  test('a new key of the peer is a change (rekeying)', () => {
    const { negotiator, agreed } = setup(['PCMU'], Buffer.alloc(30, 9));
    negotiator.answer(sdp(secure('AES_CM_128_HMAC_SHA1_80')));

    negotiator.answer(
      sdp(
        [
          'm=audio 5000 RTP/SAVP 0',
          `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 8).toString('base64')}`,
        ],
        2,
      ),
    );

    expect(agreed).toHaveLength(2);
  });
});

function setup(codecs: CodecName[] = ['PCMU', 'PCMA'], srtpKey?: Uint8Array) {
  const agreed: AgreedMedia[] = [];
  const local = { address: '203.0.113.1', port: 10_000, codecs, ...(srtpKey ? { srtpKey } : {}) };
  const negotiator = new SdpNegotiator({ local, id: '77', changed: (media) => agreed.push(media) });
  return { negotiator, agreed };
}

function sdp(media: readonly string[], version = 1, address = '192.0.2.9'): string {
  return ['v=0', `o=- 5 ${version} IN IP4 192.0.2.9`, 's=Asterisk', `c=IN IP4 ${address}`, 't=0 0', ...media, ''].join(
    '\r\n',
  );
}
