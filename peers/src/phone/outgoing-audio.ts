import type { MediaLeg } from './media-leg.ts';

/** A held key: 120 ms down; Asterisk stretches what is shorter than 80 ms on the wire. */
const KEY_DOWN_TICKS = 6;
const KEY_GAP_TICKS = 5;

/** A sound made while it is sent: each call gives the next frame, null ends it. */
export type LiveSound = () => Int16Array | null;

type Item =
  | { readonly type: 'sound'; readonly next: LiveSound; readonly done: (startedAtMs: number) => void }
  | { readonly type: 'key'; readonly key: string; readonly done: (startedAtMs: number) => void };

/** What the phone is about to send: sounds and keys in order, silence between. One call of `sendTick` sends 20 ms. */
export class OutgoingAudio {
  readonly #samplesPerTick: number;
  readonly #silence: Int16Array;
  readonly #items: Item[] = [];
  #ticks = 0;
  #startedAtMs = 0;

  constructor(samplesPerTick: number) {
    this.#samplesPerTick = samplesPerTick;
    this.#silence = new Int16Array(samplesPerTick);
  }

  /** Resolves when the last sample was sent, with the time the first one was. */
  say(samples: Int16Array): Promise<number> {
    let at = 0;
    return this.stream(() => {
      if (at >= samples.length) return null;
      const frame = new Int16Array(this.#samplesPerTick);
      frame.set(samples.subarray(at, at + this.#samplesPerTick));
      at += this.#samplesPerTick;
      return frame;
    });
  }

  stream(next: LiveSound): Promise<number> {
    return new Promise((done) => this.#items.push({ type: 'sound', next, done }));
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
    if (this.#ticks++ === 0) this.#startedAtMs = atMs;
    if (item.type === 'sound' ? this.#sendSound(item.next, leg) : this.#sendKey(item.key, leg)) return;
    this.#items.shift();
    this.#ticks = 0;
    item.done(this.#startedAtMs);
    // What is over sent nothing in this tick: the next one has it.
    this.sendTick(leg, atMs);
  }

  #sendSound(next: LiveSound, leg: MediaLeg): boolean {
    const frame = next();
    if (frame) leg.sendAudio(frame);
    return frame !== null;
  }

  #sendKey(key: string, leg: MediaLeg): boolean {
    const tick = this.#ticks - 1;
    if (tick >= KEY_DOWN_TICKS + KEY_GAP_TICKS) return false;
    if (tick < KEY_DOWN_TICKS) leg.sendKey(key, tick, tick === KEY_DOWN_TICKS - 1);
    else leg.sendAudio(this.#silence);
    return true;
  }
}
