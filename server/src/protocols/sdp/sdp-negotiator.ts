import type { AgreedMedia } from './agreed-media.ts';
import { type LocalMedia, matchAnswer, matchOffer } from './negotiate.ts';
import { type Direction, parseSessionDescription } from './session-description.ts';
import { writeAnswer, writeOffer } from './write-description.ts';

/**
 * Offer and answer over the life of one call (RFC 3264): what sip's OfferAnswer asks for.
 *
 *     stable --offer()--> offered --accept()/rollback()--> stable
 *       +--answer(offer)--> stable
 *
 * The version in o= rises with every change of ours; an offer of the peer with the o= of its last one is a refresh: it gets the
 * same answer and nobody is told.
 */
export class SdpNegotiator {
  readonly #local: LocalMedia;
  readonly #id: string;
  readonly #changed: (media: AgreedMedia) => void;
  #version = 1;
  #lastText = '';
  #direction: Direction = 'sendrecv';
  #agreed: AgreedMedia | undefined;
  #remoteOrigin: string | undefined;
  #answerToRemote: string | undefined;
  /** Why the newest offer or answer of the peer could not be used, for the log. */
  refusedBecause: string | undefined;

  /** `id` is a decimal number, random for each call. `changed` hears every agreement that differs from the last. */
  constructor(options: {
    readonly local: LocalMedia;
    readonly id: string;
    readonly changed: (media: AgreedMedia) => void;
  }) {
    this.#local = options.local;
    this.#id = options.id;
    this.#changed = options.changed;
  }

  /** What is agreed now. */
  get agreed(): AgreedMedia | undefined {
    return this.#agreed;
  }

  /** What our next offer asks for: `sendonly` holds the peer. */
  set direction(direction: Direction) {
    this.#direction = direction;
  }

  /** The answer to an offer, or undefined for a 488. */
  answer(offer: string): string | undefined {
    const description = parseSessionDescription(offer);
    if (description && description.origin === this.#remoteOrigin && this.#answerToRemote !== undefined)
      return this.#answerToRemote;
    const match = description ? matchOffer(description, this.#local) : { refused: 'no session description' };
    if ('refused' in match || !description) {
      this.refusedBecause = 'refused' in match ? match.refused : '';
      return undefined;
    }
    const text = this.#versioned((version) =>
      writeAnswer(description, match, { local: this.#local, origin: { id: this.#id, version } }),
    );
    this.#remoteOrigin = description.origin;
    this.#answerToRemote = text;
    this.#settle(match.media);
    return text;
  }

  offer(): string {
    return this.#versioned((version) => writeOffer(this.#local, { id: this.#id, version }, this.#direction));
  }

  /** Takes the answer to our offer; false when nothing in it can be used. */
  accept(answer: string): boolean {
    const description = parseSessionDescription(answer);
    const match = description ? matchAnswer(description, this.#local) : { refused: 'no session description' };
    if ('refused' in match) {
      this.refusedBecause = match.refused;
      return false;
    }
    this.#remoteOrigin = description?.origin;
    this.#answerToRemote = undefined;
    this.#settle(match.media);
    return true;
  }

  /** Our offer was refused: what was agreed before still holds. */
  rollback(): void {
    this.#direction = this.#agreed?.direction ?? 'sendrecv';
  }

  /** The same text keeps its version, any other gets the next (RFC 3264, 8). */
  #versioned(write: (version: number) => string): string {
    if (write(this.#version) !== this.#lastText && this.#lastText !== '') this.#version++;
    this.#lastText = write(this.#version);
    return this.#lastText;
  }

  #settle(media: AgreedMedia): void {
    const isSame = JSON.stringify(media) === JSON.stringify(this.#agreed);
    this.#agreed = media;
    if (!isSame) this.#changed(media);
  }
}
