import type { MediaListener } from '../core/ports/media-transport.ts';

type EarlyEvent =
  | { readonly type: 'audio'; readonly samples: Int16Array; readonly clockMs: number }
  | { readonly type: 'digit'; readonly digit: string };

const KEPT_SECONDS = 2;
const KEPT_DIGITS = 32;

/** What a caller said and pressed before anyone listened: the newest 2 s of audio and 32 keys, in order. */
export class EarlyEvents {
  readonly #limit: number;
  #events: EarlyEvent[] = [];
  #samples = 0;

  constructor(sampleRate: number) {
    this.#limit = sampleRate * KEPT_SECONDS;
  }

  /** Keeps a copy. */
  keepAudio(view: Int16Array, clockMs: number): void {
    this.#events.push({ type: 'audio', samples: view.slice(), clockMs });
    this.#samples += view.length;
    while (this.#samples > this.#limit) this.#dropOldestAudio();
  }

  keepDigit(digit: string): void {
    const digits = this.#events.filter((event) => event.type === 'digit').length;
    if (digits < KEPT_DIGITS) this.#events.push({ type: 'digit', digit });
  }

  /** Hands everything on, once. */
  tell(listener: MediaListener): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#samples = 0;
    for (const event of events) {
      if (event.type === 'audio') listener.audio(event.samples, event.clockMs);
      else listener.digit(event.digit);
    }
  }

  #dropOldestAudio(): void {
    const at = this.#events.findIndex((event) => event.type === 'audio');
    const [oldest] = this.#events.splice(at, 1);
    if (oldest?.type === 'audio') this.#samples -= oldest.samples.length;
  }
}
