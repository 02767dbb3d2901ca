import { describe, expect, test } from 'vitest';
import { openRtpCall, type RtpBench } from '../../../test/contracts/rtp-plane-harness.ts';
import { editDistance } from '../../core/edit-distance.ts';

/** RTP_LOSSY_DIGITS makes a longer run, RTP_LOSSY_SEED repeats one. */
const DIGITS = Number(process.env['RTP_LOSSY_DIGITS'] ?? 300);
const SEED = Number(process.env['RTP_LOSSY_SEED'] ?? Date.now() % 2 ** 31);
const JITTER_MS = 30;
/** A key held for 100 ms: seven packets. */
const KEY_FRAMES = 5;

describe.each([
  ['5 % of the packets lost', 1],
  ['5 % of the packets lost, three in a row each time', 3],
])('a network with 30 ms of jitter and %s', (_what, burst) => {
  test(`${DIGITS} keys: 99.9 % are told, once and in order (seed ${SEED})`, async () => {
    const draw = lcg(SEED);
    const { bench, notes, phone } = await openRtpCall();
    const path = new LossyPath(bench, draw, burst);
    bench.isTalking = false;
    let pressed = '';

    for (let count = 0; count < DIGITS; count++) {
      const digit = '0123456789*#'.charAt(draw(12));
      pressed += digit;
      for (const packet of phone.digit(digit, KEY_FRAMES)) await path.send(packet);
      for (let frames = 2 + draw(4); frames > 0; frames--) await path.send(phone.frame());
    }
    for (let frames = 10; frames > 0; frames--) await path.send(phone.frame());

    const wrong = editDistance(pressed, notes.digits.join(''));
    expect(path.lost / path.sent).toBeGreaterThan(0.015);
    expect(wrong, `wrong of ${DIGITS}, seed ${SEED}`).toBeLessThanOrEqual(Math.max(1, DIGITS / 1000));
  });
});

/** Packets 20 ms apart, some lost, each late by up to 30 ms, so that they overtake one another. */
class LossyPath {
  sent = 0;
  lost = 0;
  readonly #bench: RtpBench;
  readonly #draw: (limit: number) => number;
  readonly #burst: number;
  readonly #waiting: { readonly atMs: number; readonly packet: Buffer }[] = [];
  #stillLost = 0;

  constructor(bench: RtpBench, draw: (limit: number) => number, burst: number) {
    this.#bench = bench;
    this.#draw = draw;
    this.#burst = burst;
  }

  async send(packet: Buffer): Promise<void> {
    this.sent++;
    if (this.#stillLost === 0 && this.#draw(20 * this.#burst) === 0) this.#stillLost = this.#burst;
    if (this.#stillLost > 0) {
      this.#stillLost--;
      this.lost++;
    } else this.#waiting.push({ atMs: this.#bench.clock.nowMs() + this.#draw(JITTER_MS + 1), packet });
    for (let ms = 0; ms < 20; ms++) {
      for (const due of this.#waiting.filter(({ atMs }) => atMs <= this.#bench.clock.nowMs())) {
        this.#waiting.splice(this.#waiting.indexOf(due), 1);
        this.#bench.deliver(due.packet);
      }
      await this.#bench.pass(1);
    }
  }
}

function lcg(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
