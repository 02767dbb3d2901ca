import type { MediaLeg } from './media-leg.ts';

/** A held key: 120 ms down; Asterisk stretches what is shorter than 80 ms on the wire. */
const KEY_DOWN_TICKS = 6;
const KEY_GAP_TICKS = 5;

type Item =
  | { readonly type: 'sound'; readonly samples: Int16Array; readonly done: (startedAtMs: number) => void }
  | { readonly type: 'key'; readonly key: string; readonly done: (startedAtMs: number) => void };

/** What the phone is about to send: sounds and keys in order, silence between. One call of `sendTick` sends 20 ms. */
export class OutgoingAudio {
  readonly #samplesPerTick: number;
  readonly #silence: Int16Array;
  readonly #items: Item[] = [];
  #at = 0;
  #startedAtMs = 0;

  constructor(samplesPerTick: number) {
    this.#samplesPerTick = samplesPerTick;
    this.#silence = new Int16Array(samplesPerTick);
  }

  /** Resolves when the last sample was sent, with the time the first one was. */
  say(samples: Int16Array): Promise<number> {
    return new Promise((done) => this.#items.push({ type: 'sound', samples, done }));
  }

  /** Resolves when the key is up again, with the time it went down. */
  press(key: string): Promise<number> {
    return new Promise((done) => this.#items.push({ type: 'key', key, done }));
  }

  sendTick(leg: MediaLeg, atMs: number): void {
    const item = this.#items[0];
    if (!item) {
      leg.sendAudio(this.#silence);
      return;
    }
    if (this.#at === 0) this.#startedAtMs = atMs;
    const isOver = item.type === 'sound' ? this.#sendSound(item.samples, leg) : this.#sendKey(item.key, leg);
    if (!isOver) return;
    this.#items.shift();
    this.#at = 0;
    item.done(this.#startedAtMs);
  }

  #sendSound(samples: Int16Array, leg: MediaLeg): boolean {
    const frame = new Int16Array(this.#samplesPerTick);
    frame.set(samples.subarray(this.#at, this.#at + this.#samplesPerTick));
    leg.sendAudio(frame);
    this.#at += this.#samplesPerTick;
    return this.#at >= samples.length;
  }

  #sendKey(key: string, leg: MediaLeg): boolean {
    const tick = this.#at++;
    if (tick < KEY_DOWN_TICKS) leg.sendKey(key, tick, tick === KEY_DOWN_TICKS - 1);
    else leg.sendAudio(this.#silence);
    return this.#at >= KEY_DOWN_TICKS + KEY_GAP_TICKS;
  }
}
