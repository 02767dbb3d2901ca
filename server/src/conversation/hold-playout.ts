import type { PlayoutLedger } from '../audio/playout-ledger.ts';
import type { ReplyId } from '../core/ids.ts';
import type { MediaTransport } from '../core/ports/media-transport.ts';

/** Replies of the turn machine count from 1: nobody asks what was heard of the music. */
const HOLD_ID = 0 as ReplyId;
/** Offered at a time. */
const PIECE_MS = 200;

/** Plays a loop to a caller who waits, as much ahead as the wire takes. Its samples are in the ledger as all others are. */
export class HoldPlayout {
  readonly #media: MediaTransport;
  readonly #ledger: PlayoutLedger;
  readonly #loop: Int16Array;
  #at = 0;

  constructor(media: MediaTransport, ledger: PlayoutLedger, loop: Int16Array) {
    this.#media = media;
    this.#ledger = ledger;
    this.#loop = loop;
    this.writable();
  }

  /** The wire has room. */
  writable(): void {
    const { sampleRate } = this.#media;
    const pieceSamples = (PIECE_MS * sampleRate) / 1000;
    for (let isTaken = true; isTaken; ) {
      const samples = this.#loop.subarray(this.#at, this.#at + pieceSamples);
      const accepted = this.#media.play({ samples, sampleRate }, HOLD_ID);
      this.#ledger.accept(HOLD_ID, accepted);
      this.#at = (this.#at + accepted) % this.#loop.length;
      isTaken = accepted > 0 && accepted === samples.length;
    }
  }

  /** Silence at once: somebody will speak. */
  stop(): void {
    this.#ledger.advance(this.#media.position());
    this.#ledger.clear(this.#media.clear().heardSamples);
    this.#ledger.forget(HOLD_ID);
  }
}
