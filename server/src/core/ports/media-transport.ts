import type { AudioFrame } from '../audio-frame.ts';
import type { ReplyId } from '../ids.ts';

/** What a call's wire can do. */
export type MediaCapabilities = {
  /** Who owns the playout clock: `local` is paced by us (sent = played), `remote` buffers on the other side. */
  readonly clock: 'local' | 'remote';
  /** The furthest we play ahead of the listener's ear. */
  readonly maxLeadMs: number;
  readonly hasDtmfIn: boolean;
  readonly hasDtmfOut: boolean;
  readonly hasHold: boolean;
};

/** Why the media leg ended, seen from the wire. */
export type MediaEnd =
  | { readonly type: 'peer_closed' }
  | { readonly type: 'closed_by_us' }
  /** The leg broke: reset, protocol error, silence beyond its limit. */
  | { readonly type: 'lost'; readonly detail: string }
  /** Our own side failed: the media worker died. */
  | { readonly type: 'failed'; readonly detail: string };

/** What the wire was like over the whole call, for its record: names of the field (`jitterMs`, `packetsLost`), no addresses. */
export type MediaFigures = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Positions in the outbound stream, in samples at the transport's rate, counted over all replies since the call began.
 * Accepted samples that were cleared keep their place: `sent` and `heard` jump over them. heard <= sent <= queued, none
 * ever decreases.
 */
export type PlayoutPosition = { readonly queued: number; readonly sent: number; readonly heard: number };

/** What a `clear` did, in samples of the outbound stream. */
export type Cleared = {
  /** The stream position that counts as heard: everything between it and `queued` was dropped. */
  readonly heardSamples: number;
  readonly droppedSamples: number;
};

/** What a transport tells its one listener. Called on the main thread, never after `closed`. */
export interface MediaListener {
  /** Caller audio in order. The view is valid during the call only; `clockMs` is when its last sample arrived (Clock.nowMs). */
  audio(view: Int16Array, clockMs: number): void;
  /** One key: 0-9, *, #, A-D. */
  digit(digit: string): void;
  /** A mark set by `mark` was reached: all audio queued before it was heard. Marks of cleared audio never come. */
  played(mark: string): void;
  /** The final word on an earlier `clear`, when the estimate was off. */
  cleared(cleared: Cleared): void;
  /** After `play` accepted fewer samples than offered: there is room again. */
  writable(): void;
  /** What went out in this range of the outbound stream was proved unheard after all: the peer stood still meanwhile. */
  unheard?(fromSample: number, toSample: number): void;
  held(isHeld: boolean): void;
  /** Exactly once, and last. `figures` where the wire was measured. */
  closed(end: MediaEnd, figures?: MediaFigures): void;
}

/**
 * The door to one call's media: one a call, on the main thread. Verbs are synchronous and ordered, never throw and never
 * return a promise; after `closed` each is a counted no-op.
 */
export interface MediaTransport {
  readonly capabilities: MediaCapabilities;
  /** Hz, of `play` and of `audio`. */
  readonly sampleRate: number;
  /** Takes the one listener; audio that arrived before (2 s at most) is delivered first. */
  listen(listener: MediaListener): void;
  /** Queues audio of a reply at `sampleRate`. Returns the samples accepted; fewer than offered means full: wait for `writable`. */
  play(frame: AudioFrame, replyId: ReplyId): number;
  /** No more audio of this reply will come: a short last frame may go out, padded. */
  endReply(replyId: ReplyId): void;
  /** Silence within one tick, queue kept (stage one of a barge-in). */
  pause(): void;
  /**
   * Plays on. With a rewind (at most 400 ms), that many samples before the heard position are played once more; positions do
   * not move back and the repeated samples are not counted twice.
   */
  resume(rewindSamples?: number): void;
  /** Drops everything not yet heard and ends a pause. An estimate; `cleared` corrects it later where the other side knows better. */
  clear(): Cleared;
  /** Asks for `played(mark)` once all audio queued so far was heard. */
  mark(id: string): void;
  position(): PlayoutPosition;
  /** Sends keys, 0-9*#A-D; nothing where `hasDtmfOut` is false. */
  sendDigits(digits: string): void;
  close(): void;
}
