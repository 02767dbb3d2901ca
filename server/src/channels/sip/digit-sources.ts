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
 * by is believed for the whole call.
 */
export class MediaWithInfoDigits implements MediaTransport {
  readonly capabilities: MediaCapabilities;
  readonly sampleRate: number;
  readonly #inner: MediaTransport;
  #listener: MediaListener | undefined;
  #source: 'rtp' | 'info' | undefined;
  #early: string[] = [];
  #isClosed = false;

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

  listen(listener: MediaListener): void {
    this.#inner.listen({
      audio: (view, clockMs) => listener.audio(view, clockMs),
      digit: (digit) => {
        this.#source ??= 'rtp';
        if (this.#source === 'rtp') listener.digit(digit);
      },
      played: (mark) => listener.played(mark),
      cleared: (cleared) => listener.cleared(cleared),
      writable: () => listener.writable(),
      unheard: (fromSample, toSample) => listener.unheard?.(fromSample, toSample),
      held: (isHeld) => listener.held(isHeld),
      closed: (end) => {
        this.#isClosed = true;
        listener.closed(end);
      },
    });
    this.#listener = listener;
    for (const digit of this.#early.splice(0)) if (!this.#isClosed) listener.digit(digit);
  }

  play(frame: AudioFrame, replyId: ReplyId): number {
    return this.#inner.play(frame, replyId);
  }

  endReply(replyId: ReplyId): void {
    this.#inner.endReply(replyId);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(rewindSamples?: number): void {
    this.#inner.resume(rewindSamples);
  }

  clear(): Cleared {
    return this.#inner.clear();
  }

  mark(id: string): void {
    this.#inner.mark(id);
  }

  position(): PlayoutPosition {
    return this.#inner.position();
  }

  sendDigits(digits: string): void {
    this.#inner.sendDigits(digits);
  }

  close(): void {
    this.#inner.close();
  }
}
