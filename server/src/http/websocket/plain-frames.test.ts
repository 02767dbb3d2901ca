import { describe, expect, test } from 'vitest';
import { PlainFrames } from './plain-frames.ts';

const MASK = [0x37, 0xfa, 0x21, 0x3d];
const FIN = 0x80;

/** A client's frame, as RFC 6455, 5.2 draws it. */
function frame(opcode: number, payload: Uint8Array | string, { fin = FIN, mask = MASK } = {}): Buffer {
  const bytes = Buffer.from(payload as string);
  const long = [126, bytes.length >> 8, bytes.length & 255];
  const [short = 0, ...rest] = bytes.length < 126 ? [bytes.length] : long;
  return Buffer.from([
    fin | opcode,
    FIN | short,
    ...rest,
    ...mask,
    ...bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0)),
  ]);
}

/** Reads pieces of a stream; every piece stands in memory that is written over afterwards. */
function reader({ takes = (): boolean => true, mostBytes = 65_536 } = {}) {
  const messages: (string | number[])[] = [];
  const passedOn: Buffer[] = [];
  const frames = new PlainFrames(
    {
      message: (payload, isBinary) => {
        if (takes()) messages.push(isBinary ? [...payload] : payload.toString());
        return takes();
      },
      passOn: (bytes) => passedOn.push(Buffer.from(bytes)),
    },
    mostBytes,
  );
  const take = (bytes: Uint8Array) => {
    const memory = Buffer.from(bytes);
    frames.take(memory);
    memory.fill(0xee);
  };
  return { take, messages, passedOn: () => Buffer.concat(passedOn) };
}

describe('messages of one frame', () => {
  test('the example of RFC 6455, 5.7', () => {
    const { take, messages } = reader();

    take(Buffer.from('818537fa213d7f9f4d5158', 'hex'));

    expect(messages).toEqual(['Hello']);
  });

  test('several in one piece, in order, text and bytes', () => {
    const { take, messages, passedOn } = reader();

    take(Buffer.concat([frame(1, 'one'), frame(2, Uint8Array.of(1, 2)), frame(1, ''), frame(1, 'x'.repeat(300))]));

    expect(messages).toEqual(['one', [1, 2], '', 'x'.repeat(300)]);
    expect(passedOn()).toHaveLength(0);
  });

  test('whatever the cuts and the lengths, every byte comes back', () => {
    const seed = Date.now() % 100_000;
    const random = randomNumbers(seed);
    for (let round = 0; round < 300; round++) {
      const sent = Array.from({ length: 1 + random(6) }, () => Array.from({ length: random(400) }, () => random(256)));
      const mask = Array.from({ length: 4 }, () => random(256));
      const stream = Buffer.concat(sent.map((payload) => frame(2, Uint8Array.from(payload), { mask })));
      const { take, messages } = reader();

      for (let at = 0; at < stream.length; ) {
        const end = at + 1 + random(random(2) ? 10 : 600);
        take(stream.subarray(at, end));
        at = end;
      }

      expect(messages, `seed ${seed}, round ${round}`).toEqual(sent);
    }
  });
});

describe('what is left to a reader of the whole RFC', () => {
  const ping = frame(9, 'are you there');
  test('a ping is passed on whole, and the messages around it are read', () => {
    const { take, messages, passedOn } = reader();
    const stream = Buffer.concat([frame(1, 'before'), ping, frame(1, 'after')]);

    take(stream.subarray(0, 20));
    take(stream.subarray(20));

    expect(messages).toEqual(['before', 'after']);
    expect(passedOn()).toEqual(ping);
  });

  const unmasked = Buffer.from([0x81, 2, 0x68, 0x69, 0, 0, 0, 0]);
  test.each([
    ['a close', frame(8, Uint8Array.of(3, 232))],
    ['a fragment', frame(1, 'half', { fin: 0 })],
    ['a continuation', frame(0, 'half')],
    ['an opcode that is none', frame(3, 'what')],
    ['a reserved bit', frame(1, 'squeezed', { fin: FIN | 0x40 })],
    ['a frame without a mask', unmasked],
    ['a ping over 125 bytes', frame(9, 'x'.repeat(126))],
    [
      '64 bits of length',
      Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, ...MASK]), Buffer.alloc(65_536)]),
    ],
  ])('%s, and all that follows', (...[, odd]) => {
    const { take, messages, passedOn } = reader();
    const rest = [odd, frame(1, 'later'), ping];

    take(Buffer.concat([frame(1, 'before'), ...rest.slice(0, 2)]));
    take(ping);

    expect(messages).toEqual(['before']);
    expect(passedOn()).toEqual(Buffer.concat(rest));
  });

  test('a message over the limit', () => {
    const { take, messages, passedOn } = reader({ mostBytes: 10 });

    take(frame(1, '0123456789'));
    take(frame(1, '0123456789a'));

    expect(messages).toEqual(['0123456789']);
    expect(passedOn()).toEqual(frame(1, '0123456789a'));
  });

  test('text that is no UTF-8, its mask undone', () => {
    const { take, messages, passedOn } = reader();
    const bad = Uint8Array.of(0x68, 0xff);

    take(frame(1, bad));
    take(ping);

    expect(messages).toEqual([]);
    expect(passedOn()).toEqual(Buffer.concat([frame(1, bad, { mask: [0, 0, 0, 0] }), ping]));
  });

  test('a message that nobody takes, its mask undone; later ones are read again', () => {
    let isThere = false;
    const { take, messages, passedOn } = reader({ takes: () => isThere });

    take(frame(1, 'x'.repeat(200)));
    isThere = true;
    take(frame(1, 'hello'));

    expect(messages).toEqual(['hello']);
    expect(passedOn()).toEqual(frame(1, 'x'.repeat(200), { mask: [0, 0, 0, 0] }));
  });
});

function randomNumbers(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}
