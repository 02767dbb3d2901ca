import type { AudioFrame } from '../../core/audio-frame.ts';
import type { ReplyId } from '../../core/ids.ts';
import type {
  Cleared,
  MediaCapabilities,
  MediaListener,
  MediaTransport,
  PlayoutPosition,
} from '../../core/ports/media-transport.ts';

const MOST_EARLY_DIGITS = 32;

/**
 * A call's media that also hears the digits which come as INFO. Some phones send each key both ways: the way the first key came
 * by is believed for the whole call. It can be taken over by another listener while its first one still holds on to it.
 */
export class MediaWithInfoDigits implements MediaTransport {
  readonly capabilities: MediaCapabilities;
  readonly sampleRate: number;
  readonly #inner: MediaTransport;
  #listener: MediaListener | undefined;
  #source: 'rtp' | 'info' | undefined;
  #early: string[] = [];
  #isClosed = false;
  /** Whom it was taken from, and how far they had played. */
  #former: { readonly listener: MediaListener | undefined; readonly position: PlayoutPosition } | undefined;

  constructor(inner: MediaTransport) {
    this.#inner = inner;
    this.capabilities = inner.capabilities;
    this.sampleRate = inner.sampleRate;
  }

  /** A digit of an INFO request. Before `listen` at most 32 are kept. */
  infoDigit(digit: string): void {
    this.#source ??= 'info';
    if (this.#source !== 'info' || this.#isClosed) return;
    if (this.#listener) this.#listener.digit(digit);
    else if (this.#early.length < MOST_EARLY_DIGITS) this.#early.push(digit);
  }

  /**
   * Hands the call to another listener, and gives the transport to play on; null when it is over. What was queued is dropped. The
   * first listener hears nothing more until it closes, its verbs do nothing, and its `close` ends the media for it alone.
   */
  takeOver(listener: MediaListener): MediaTransport | null {
    if (this.#isClosed || this.#former) return null;
    this.#inner.clear();
    this.#former = { listener: this.#listener, position: this.#inner.position() };
    this.#listener = listener;
    return this.#inner;
  }

  listen(listener: MediaListener): void {
    this.#listener = listener;
    const now = () => this.#listener ?? listener;
    this.#inner.listen({
      audio: (view, clockMs) => now().audio(view, clockMs),
      digit: (digit) => {
        this.#source ??= 'rtp';
        if (this.#source === 'rtp') now().digit(digit);
      },
      played: (mark) => now().played(mark),
      cleared: (cleared) => now().cleared(cleared),
      writable: () => now().writable(),
      unheard: (fromSample, toSample) => now().unheard?.(fromSample, toSample),
      held: (isHeld) => now().held(isHeld),
      closed: (end, figures) => {
        this.#isClosed = true;
        now().closed(end, figures);
      },
    });
    for (const digit of this.#early.splice(0)) if (!this.#isClosed) listener.digit(digit);
  }

  play(frame: AudioFrame, replyId: ReplyId): number {
    return this.#former ? frame.samples.length : this.#inner.play(frame, replyId);
  }

  endReply(replyId: ReplyId): void {
    if (!this.#former) this.#inner.endReply(replyId);
  }

  pause(): void {
    if (!this.#former) this.#inner.pause();
  }

  resume(rewindSamples?: number): void {
    if (!this.#former) this.#inner.resume(rewindSamples);
  }

  clear(): Cleared {
    return this.#former ? { heardSamples: this.#former.position.heard, droppedSamples: 0 } : this.#inner.clear();
  }

  mark(id: string): void {
    if (!this.#former) this.#inner.mark(id);
  }

  position(): PlayoutPosition {
    return this.#former?.position ?? this.#inner.position();
  }

  sendDigits(digits: string): void {
    if (!this.#former) this.#inner.sendDigits(digits);
  }

  close(): void {
    if (this.#former) {
      const { listener, position } = this.#former;
      this.#former = { listener: undefined, position };
      queueMicrotask(() => listener?.closed({ type: 'closed_by_us' }));
    } else this.#inner.close();
  }
}
