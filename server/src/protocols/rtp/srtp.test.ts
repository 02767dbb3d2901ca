import { describe, expect, test } from 'vitest';
import { patchRtpHeader, RtpView, writeRtpHeader } from './rtp-packet.ts';
import { SrtpReceiver, SrtpSender, type SrtpSuiteName } from './srtp.ts';
import { AesCounter, deriveSessionKeys, writeIv } from './srtp-keys.ts';

const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const MASTER = bytes('e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6');

describe('RFC 3711, appendix B', () => {
  test('B.2: the key stream of AES in counter mode', () => {
    const iv = new Uint8Array(16);
    writeIv(iv, bytes('f0f1f2f3f4f5f6f7f8f9fafbfcfd'), 0, 0);
    const stream = new Uint8Array(48);

    new AesCounter(bytes('2b7e151628aed2a6abf7158809cf4f3c')).apply(stream, 0, 48, iv);

    expect(hex(stream)).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
    );
  });

  test('B.3: session salt and authentication key', () => {
    const { salt, authKey } = deriveSessionKeys(MASTER, 'rtp');

    expect(hex(salt)).toBe('30cbbc08863d8c85d49db34a9ae1');
    expect(hex(authKey.export())).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4');
  });

  test('B.3: the cipher key, seen by what it encrypts', () => {
    const derived = new Uint8Array(16);
    const direct = new Uint8Array(16);
    const iv = new Uint8Array(16).fill(3, 0, 14);

    deriveSessionKeys(MASTER, 'rtp').cipher.apply(derived, 0, 16, iv);
    new AesCounter(bytes('c61e7a93744f39ee10734afe3ff7a087')).apply(direct, 0, 16, iv);

    expect(hex(derived)).toBe(hex(direct));
  });

  test('a whole packet with its tag, as libsrtp makes it', () => {
    const packet = new Uint8Array(64);
    packet.set(bytes('800f1234decafbadcafebabeabababababababababababababababab'));

    const length = new SrtpSender('AES_CM_128_HMAC_SHA1_80', MASTER).protect(packet, 28);

    expect(hex(packet.subarray(0, length))).toBe(
      '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb',
    );
  });
});

describe.each<[SrtpSuiteName, number]>([
  ['AES_CM_128_HMAC_SHA1_80', 10],
  ['AES_CM_128_HMAC_SHA1_32', 4],
])('%s', (suite, tagBytes) => {
  test('what is protected opens again, the tag is the suite its length', () => {
    const { send, receiver } = pair(suite);
    const packet = send(1, 'hello');

    expect(packet.length).toBe(12 + 5 + tagBytes);
    expect(open(receiver, packet)).toBe('hello');
  });

  test('a changed byte, header or payload, is forged', () => {
    const { send, receiver } = pair(suite);

    for (const at of [1, 5, 13]) {
      const packet = send(at, 'hello');
      packet[at] = (packet[at] as number) ^ 1;
      expect(receiver.unprotect(packet)).toEqual({ ok: false, reason: 'forged' });
    }
  });

  test('a packet sent again is a replay, and so is one older than 64', () => {
    const { send, receiver } = pair(suite);
    const packets = Array.from({ length: 100 }, (_, index) => send(index, 'x'));
    for (const packet of packets.slice(1)) open(receiver, packet.slice());

    expect(receiver.unprotect(packets[99]?.slice() as Uint8Array)).toEqual({ ok: false, reason: 'replayed' });
    expect(receiver.unprotect(packets[0]?.slice() as Uint8Array)).toEqual({ ok: false, reason: 'replayed' });
  });

  test('packets out of order open, across the rollover too', () => {
    const { send, receiver } = pair(suite);
    const [a, b, c, d] = [65_534, 65_535, 0, 1].map((sequence) => send(sequence, `${sequence}`)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];

    expect([a, c, b, d].map((packet) => open(receiver, packet))).toEqual(['65534', '0', '65535', '1']);
  });

  test('ten thousand packets with losses stay in step over three rollovers', () => {
    const { send, receiver } = pair(suite);
    let opened = 0;
    for (let index = 0; index < 200_000; index += 20) {
      const packet = send(index % 65_536, 'x');
      if (index % 7 !== 0 && open(receiver, packet) === 'x') opened++;
    }

    expect(opened).toBe(10_000 - Math.ceil(200_000 / 140));
  });

  test('too short, or too long for the cipher, is malformed and never thrown at', () => {
    expect(pair(suite).receiver.unprotect(new Uint8Array(5000).fill(0x80))).toEqual({ ok: false, reason: 'malformed' });
    expect(pair(suite).receiver.unprotect(new Uint8Array(13))).toEqual({ ok: false, reason: 'malformed' });
  });
});

describe('SRTCP (3.4)', () => {
  const report = bytes('80c90001 cafebabe 80ca0002 cafebabe 01016100');

  test('round trip, then replay', () => {
    const { sender, receiver } = pair('AES_CM_128_HMAC_SHA1_32');
    const packet = sender.protectRtcp(report);
    const copy = packet.slice();

    expect(receiver.unprotectRtcp(packet)).toEqual({ ok: true, length: report.length });
    expect(hex(packet.subarray(0, report.length))).toBe(hex(report));
    expect(receiver.unprotectRtcp(copy)).toEqual({ ok: false, reason: 'replayed' });
  });

  test('the report is not readable on the wire, its SSRC is', () => {
    const packet = pair('AES_CM_128_HMAC_SHA1_80').sender.protectRtcp(report);

    expect(hex(packet.subarray(0, 8))).toBe(hex(report.subarray(0, 8)));
    expect(hex(packet.subarray(8, report.length))).not.toBe(hex(report.subarray(8)));
  });
});

test('a key of another length is refused', () => {
  expect(() => new SrtpSender('AES_CM_128_HMAC_SHA1_80', new Uint8Array(29))).toThrow('30 bytes');
});

function pair(suite: SrtpSuiteName) {
  const sender = new SrtpSender(suite, MASTER);
  const receiver = new SrtpReceiver(suite, MASTER);
  const send = (sequence: number, text: string) => {
    const packet = new Uint8Array(64);
    writeRtpHeader(packet, { payloadType: 0, ssrc: 7 });
    patchRtpHeader(packet, sequence, sequence * 160, false);
    packet.set(Buffer.from(text), 12);
    return packet.slice(0, sender.protect(packet, 12 + text.length));
  };
  return { sender, receiver, send };
}

function open(receiver: SrtpReceiver, packet: Uint8Array): string {
  const opened = receiver.unprotect(packet);
  if (!opened.ok) return opened.reason;
  const view = new RtpView();
  view.parse(packet, opened.length);
  return Buffer.from(packet.subarray(view.payloadStart, view.payloadEnd)).toString();
}
