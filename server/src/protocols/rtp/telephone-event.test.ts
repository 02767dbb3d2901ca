import { describe, expect, test } from 'vitest';
import { TelephoneEventReceiver, TelephoneEventSender } from './telephone-event.ts';

describe('hearing digits (RFC 4733)', () => {
  test('a digit with its three end packets is one digit', () => {
    const { press, digits } = receiver();

    press({ event: 5, at: 1000, durations: [160, 320, 480], ends: 3 });

    expect(digits).toEqual(['5 60']);
  });

  test('the same digit pressed twice is two digits, known by their timestamps', () => {
    const { press, digits } = receiver();

    press({ event: 1, at: 1000, durations: [160, 320], ends: 3 });
    press({ event: 1, at: 3000, durations: [160, 320], ends: 3 });

    expect(digits).toEqual(['1 40', '1 40']);
  });

  test('a lost start: it counts from the first packet seen, even when that is an end', () => {
    const { press, digits } = receiver();

    press({ event: 11, at: 1000, durations: [], ends: 1 });

    expect(digits).toEqual(['# 0']);
  });

  test('lost ends: it is over 80 ms after its last packet', () => {
    const { press, digits, events } = receiver();
    press({ event: 7, at: 1000, durations: [160, 320], ends: 0 });

    events.advanceTo(20 + 79);
    expect(digits).toEqual([]);
    events.advanceTo(20 + 80);
    expect(digits).toEqual(['7 40']);
  });

  test('lost ends: the next digit ends it', () => {
    const { press, digits } = receiver();
    press({ event: 7, at: 1000, durations: [160, 320], ends: 0 });

    press({ event: 8, at: 3000, durations: [160], ends: 3 });

    expect(digits).toEqual(['7 40', '8 20']);
  });

  test('ends that come late, or a straggler of an older digit, are no new digit', () => {
    const { press, digits, events } = receiver();
    press({ event: 7, at: 1000, durations: [160], ends: 0 });
    events.advanceTo(200);
    press({ event: 7, at: 1000, durations: [320], ends: 3 });
    press({ event: 8, at: 3000, durations: [160], ends: 1 });

    press({ event: 7, at: 1000, durations: [], ends: 1 });

    expect(digits).toEqual(['7 20', '8 20']);
  });

  test('another source, or a clock that started anew, is a new digit though its timestamp is lower', () => {
    const { press, digits } = receiver();
    press({ event: 1, at: 900_000, durations: [160], ends: 1 });

    press({ event: 2, at: 899_000, durations: [160], ends: 1, ssrc: 8 });
    press({ event: 3, at: 160, durations: [160], ends: 1, ssrc: 8 });

    expect(digits).toEqual(['1 20', '2 20', '3 20']);
  });

  test('a key held down for ever is ended after ten seconds', () => {
    const { press, digits, events } = receiver();
    press({ event: 0, at: 1000, durations: Array.from({ length: 501 }, () => 160), ends: 0 });

    events.advanceTo(10_000);

    expect(digits).toEqual(['0 20']);
  });

  test('other events and short payloads are passed over', () => {
    const { digits, events } = receiver();

    events.push({ bytes: Uint8Array.of(16, 0x80, 0, 160), start: 0, end: 4, timestamp: 1, ssrc: 7 }, 0);
    events.push({ bytes: Uint8Array.of(5, 0x80, 0), start: 0, end: 3, timestamp: 2, ssrc: 7 }, 0);

    expect(digits).toEqual([]);
  });

  test('a start at timestamp 0 after a wrap is a new digit', () => {
    const { press, digits } = receiver();

    press({ event: 1, at: 4_294_967_000, durations: [160], ends: 1 });
    press({ event: 2, at: 500, durations: [160], ends: 1 });

    expect(digits).toEqual(['1 20', '2 20']);
  });
});

describe('sending digits', () => {
  test('marker first, one timestamp, duration growing, three ends, 40 ms of silence', () => {
    const sender = new TelephoneEventSender(8000);
    sender.push('5', 60);

    expect(frames(sender, 8)).toEqual([
      'event 5 160 M @0',
      'event 5 320 @0',
      'event 5 480 E @0',
      'event 5 480 E @0',
      'event 5 480 E @0',
      'gap',
      'gap',
      'none',
    ]);
    expect(sender.isBusy).toBe(false);
  });

  test('digits follow each other, and are heard as they were sent', () => {
    const sender = new TelephoneEventSender(8000);
    for (const digit of '1*d') sender.push(digit, 100);
    const { digits, events } = receiver();
    const payload = new Uint8Array(4);

    for (let tick = 0; tick < 40; tick++) {
      const frame = sender.next(payload, 0, tick * 160);
      if (frame.type === 'event')
        events.push({ bytes: payload, start: 0, end: 4, timestamp: frame.timestamp, ssrc: 7 }, tick * 20);
    }

    expect(digits).toEqual(['1 100', '* 100', 'D 100']);
  });

  test('what is no digit, and the 65th, are not queued', () => {
    const sender = new TelephoneEventSender(8000);

    expect([sender.push('x', 100), sender.push('12', 100), sender.push('', 100)]).toEqual([false, false, false]);
    expect(Array.from({ length: 65 }, () => sender.push('1', 100)).indexOf(false)).toBe(64);
  });
});

function frames(sender: TelephoneEventSender, count: number): string[] {
  const payload = new Uint8Array(4);
  return Array.from({ length: count }, (_, tick) => {
    const frame = sender.next(payload, 0, tick * 160);
    if (frame.type !== 'event') return frame.type;
    const flags = `${(payload[1] as number) >> 7 ? ' E' : ''}${frame.marker ? ' M' : ''}`;
    return `event ${payload[0]} ${((payload[2] as number) << 8) | (payload[3] as number)}${flags} @${frame.timestamp}`;
  });
}

function receiver() {
  const digits: string[] = [];
  const events = new TelephoneEventReceiver(8000, (digit, durationMs) => digits.push(`${digit} ${durationMs}`));
  const press = (key: { event: number; at: number; durations: number[]; ends: number; ssrc?: number }) => {
    const send = (flags: number, duration: number, nowMs: number) =>
      events.push(
        {
          bytes: Uint8Array.of(key.event, flags, duration >> 8, duration),
          start: 0,
          end: 4,
          timestamp: key.at,
          ssrc: key.ssrc ?? 7,
        },
        nowMs,
      );
    for (const [index, duration] of key.durations.entries()) send(10, duration, index * 20);
    for (let end = 0; end < key.ends; end++) send(0x8a, key.durations.at(-1) ?? 0, key.durations.length * 20);
  };
  return { press, digits, events };
}
