import { createCipheriv, createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { patchRtpHeader, RtpView, writeRtpHeader } from './rtp-packet.ts';
import { SrtpReceiver, SrtpSender, type SrtpSuiteName } from './srtp.ts';
import { GaloisCounterMode } from './srtp-gcm.ts';
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

describe('RFC 7714', () => {
  const KEYS = {
    key: createSecretKey(bytes('000102030405060708090a0b0c0d0e0f')),
    salt: bytes('517569642070726f2071756f'),
  };

  test('16.1.1: an RTP packet sealed with AEAD_AES_128_GCM, and opened (16.1.2)', () => {
    const gcm = new GaloisCounterMode(KEYS, KEYS);
    const plain =
      '8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573';
    const sealed =
      '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833' +
      '899d7f27beb16a9152cf765ee4390cce';
    const packet = new Uint8Array(50 + 16);
    packet.set(bytes(plain));

    gcm.seal(packet, 12, 50, 0);
    expect(hex(packet)).toBe(sealed);

    expect(gcm.open(packet, 12, 50, 0)).toBe(true);
    expect(hex(packet.subarray(0, 50))).toBe(plain);
  });

  test('17.1: an RTCP packet sealed under the index 5d4, and opened (17.2)', () => {
    const gcm = new GaloisCounterMode(KEYS, KEYS);
    const plain =
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef';
    const sealed =
      '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b' +
      'c84aa45896cf4d2fc5abf87245d9eade800005d4';

    const packet = gcm.sealRtcp(bytes(plain), 0x5d4);
    expect(hex(packet)).toBe(sealed);

    expect(gcm.rtcpWord(packet)).toBe(0x800005d4);
    expect(gcm.openRtcp(packet)).toBe(true);
    expect(hex(packet.subarray(0, 52))).toBe(plain);
  });

  test('an RTCP packet that is authenticated only: opened as it is, and forged when a byte changes (9.3)', () => {
    const gcm = new GaloisCounterMode(KEYS, KEYS);
    const body = bytes('80c90001cafebabe80ca0002cafebabe01016100');
    const word = bytes('00000007');
    const iv = bytes('5175a39a9ace726f20717568');
    const cipher = createCipheriv('aes-128-gcm', KEYS.key, iv).setAAD(Buffer.concat([body, word]));
    cipher.final();
    const packet = new Uint8Array(Buffer.concat([body, cipher.getAuthTag(), word]));
    const changed = packet.slice();
    changed[17] = (changed[17] as number) ^ 1;

    expect(gcm.openRtcp(packet)).toBe(true);
    expect(hex(packet.subarray(0, body.length))).toBe(hex(body));
    expect(gcm.openRtcp(changed)).toBe(false);
  });

  test('whole packets from a master key and salt, as libsrtp makes them', () => {
    const sender = new SrtpSender(
      'AEAD_AES_128_GCM',
      bytes('000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab'),
    );
    const packet = new Uint8Array(64);
    packet.set(bytes('800f1234decafbadcafebabeabababababababababababababababab'));

    const length = sender.protect(packet, 28);
    const report = sender.protectRtcp(bytes('81c8000bcafebabeabababababababababababababababab'));

    expect(hex(packet.subarray(0, length))).toBe(
      '800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392',
    );
    expect(hex(report)).toBe(
      '81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001',
    );
  });
});

describe.each<[SrtpSuiteName, number]>([
  ['AES_CM_128_HMAC_SHA1_80', 10],
  ['AES_CM_128_HMAC_SHA1_32', 4],
  ['AEAD_AES_128_GCM', 16],
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

describe.each<SrtpSuiteName>(['AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM'])('SRTCP (3.4), %s', (suite) => {
  const report = bytes('80c90001 cafebabe 80ca0002 cafebabe 01016100');

  test('round trip, then replay', () => {
    const { sender, receiver } = pair(suite);
    const packet = sender.protectRtcp(report);
    const copy = packet.slice();

    expect(receiver.unprotectRtcp(packet)).toEqual({ ok: true, length: report.length });
    expect(hex(packet.subarray(0, report.length))).toBe(hex(report));
    expect(receiver.unprotectRtcp(copy)).toEqual({ ok: false, reason: 'replayed' });
  });

  test('a report with a changed byte is forged, and does no harm to the next', () => {
    const { sender, receiver } = pair(suite);
    const packet = sender.protectRtcp(report);
    for (const at of [1, 9, packet.length - 1, packet.length - 15]) {
      const changed = packet.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(receiver.unprotectRtcp(changed)).toEqual({ ok: false, reason: 'forged' });
    }

    expect(receiver.unprotectRtcp(packet)).toEqual({ ok: true, length: report.length });
  });

  test('the report is not readable on the wire, its SSRC is', () => {
    const packet = pair(suite).sender.protectRtcp(report);

    expect(hex(packet.subarray(0, 8))).toBe(hex(report.subarray(0, 8)));
    expect(hex(packet.subarray(8, report.length))).not.toBe(hex(report.subarray(8)));
  });
});

test('a key of another length is refused', () => {
  expect(() => new SrtpSender('AES_CM_128_HMAC_SHA1_80', new Uint8Array(29))).toThrow('30 bytes');
  expect(() => new SrtpSender('AEAD_AES_128_GCM', new Uint8Array(30))).toThrow('28 bytes');
});

function pair(suite: SrtpSuiteName) {
  const master = suite === 'AEAD_AES_128_GCM' ? MASTER.subarray(0, 28) : MASTER;
  const sender = new SrtpSender(suite, master);
  const receiver = new SrtpReceiver(suite, master);
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
