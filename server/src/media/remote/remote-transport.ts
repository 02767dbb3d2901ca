import { RemotePlayhead } from '../../audio/remote-playhead.ts';
import type { AudioFrame } from '../../core/audio-frame.ts';
import type { ReplyId } from '../../core/ids.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type {
  Cleared,
  MediaCapabilities,
  MediaEnd,
  MediaListener,
  MediaTransport,
  PlayoutPosition,
} from '../../core/ports/media-transport.ts';
import { EarlyEvents } from '../early-events.ts';
import { PlayoutQueue } from './playout-queue.ts';
import type { RemoteWire, RemoteWireRules } from './remote-wire.ts';

/** What may wait to be sent, beside what was sent and is kept for sending again. */
const QUEUE_MS = 1_000;
/** The longest step back of a resume. */
const REWIND_MS = 400;
/** What waits, the most that is ahead of the listener, and the step back. */
const RING_MS = QUEUE_MS + 400 + REWIND_MS;
const MARK_EVERY_MS = 100;
/** Where each message has its length prescribed, several go out together, as far as the lead allows. */
const PATIENCE_MS = 40;

export type RemoteTransportParts = {
  readonly wire: RemoteWire;
  readonly rules: RemoteWireRules;
  readonly capabilities: MediaCapabilities;
  readonly clock: Clock;
};

/**
 * Main's door to a call whose other side buffers and owns the playout clock. Sends ahead within a bounded lead, asks for an echo
 * behind each message, and takes the heard position from the echoes. Audio not known as heard is kept until it is, so that a
 * barge-in that was none can play on where the listener was.
 */
export class RemoteTransport implements MediaTransport {
  readonly capabilities: MediaCapabilities;
  readonly sampleRate: number;
  readonly #wire: RemoteWire;
  readonly #rules: RemoteWireRules;
  readonly #clock: Clock;
  readonly #early: EarlyEvents;
  readonly #playhead: RemotePlayhead;
  readonly #queue: PlayoutQueue;
  readonly #message: Int16Array;
  /** The message's start: most are as long as the one before. */
  #padded: Int16Array = new Int16Array(0);
  readonly #samplesPerMs: number;
  #listener: MediaListener | null = null;
  #marks: { readonly id: string; readonly at: number }[] = [];
  #timer: Timer | null = null;
  /** The next position to send. */
  #next = 0;
  /** Nothing before it may be sent again. */
  #clearedTo = 0;
  #replyEnd = 0;
  #echoes = 0;
  /** Samples sent since the last echo was asked for. */
  #unmarked = 0;
  #isPaused = false;
  #isStopped = false;
  #isFull = false;
  #end: MediaEnd | null = null;
  #isEndTold = false;
  /** Verbs that came after the end. */
  lateVerbs = 0;

  constructor(parts: RemoteTransportParts) {
    this.capabilities = parts.capabilities;
    this.sampleRate = parts.rules.sampleRate;
    this.#wire = parts.wire;
    this.#rules = parts.rules;
    this.#clock = parts.clock;
    this.#samplesPerMs = this.sampleRate / 1000;
    this.#early = new EarlyEvents(this.sampleRate);
    this.#playhead = new RemotePlayhead(this.sampleRate, parts.clock);
    this.#queue = new PlayoutQueue(Math.ceil(RING_MS * this.#samplesPerMs));
    this.#message = new Int16Array(this.#rules.maxMessageMs * this.#samplesPerMs + this.#rules.blockSamples);
  }

  listen(listener: MediaListener): void {
    if (this.#listener) return;
    this.#listener = listener;
    this.#early.tell(listener);
    this.#tellEnd();
  }

  play(frame: AudioFrame, _replyId: ReplyId): number {
    if (this.#isOver()) return 0;
    if (frame.sampleRate !== this.sampleRate) return frame.samples.length;
    this.#release();
    const room = QUEUE_MS * this.#samplesPerMs - (this.#queue.queued - this.#next);
    const accepted = this.#queue.push(frame.samples, room);
    if (accepted < frame.samples.length) this.#isFull = true;
    this.#pump();
    return accepted;
  }

  endReply(_replyId: ReplyId): void {
    if (this.#isOver()) return;
    this.#replyEnd = this.#queue.queued;
    this.#pump();
  }

  pause(): void {
    if (this.#isOver() || this.#isPaused) return;
    this.#isPaused = true;
    this.#stopTimer();
    if (this.#wire.hold) {
      this.#wire.hold.sendPause();
      this.#playhead.pause();
    } else {
      this.#wire.sendClear();
      this.#next = this.#playhead.flush();
    }
  }

  resume(rewindSamples = 0): void {
    if (this.#isOver() || !this.#isPaused) return;
    this.#isPaused = false;
    const rewind = Math.min(Math.max(0, Math.floor(rewindSamples)), REWIND_MS * this.#samplesPerMs);
    if (this.#wire.hold && rewind === 0) {
      this.#wire.hold.sendContinue();
      this.#playhead.resume();
    } else {
      if (this.#wire.hold) this.#wire.sendClear();
      this.#sendAgainFrom(this.#playhead.heard() - rewind);
      this.#wire.hold?.sendContinue();
    }
    this.#pump();
  }

  clear(): Cleared {
    const { queued, heard } = this.position();
    if (this.#isOver()) return { heardSamples: heard, droppedSamples: queued - heard };
    this.#stopTimer();
    const isAlreadyCleared = this.#isPaused && !this.#wire.hold;
    if (!isAlreadyCleared && this.#playhead.sent > 0) this.#wire.sendClear();
    // A flush does not un-pause Asterisk's queue (chan_websocket.c), so the order is: drop, then go on.
    if (this.#isPaused) this.#wire.hold?.sendContinue();
    this.#isPaused = false;
    const cleared = this.#playhead.clear(queued);
    this.#marks = this.#marks.filter((mark) => mark.at <= cleared.heardSamples);
    this.#next = queued;
    this.#clearedTo = queued;
    this.#replyEnd = queued;
    this.#queue.release(queued);
    if (this.#marks.length > 0) queueMicrotask(() => this.#tellMarks());
    this.#tellRoom();
    return cleared;
  }

  mark(id: string): void {
    if (this.#isOver()) return;
    this.#marks.push({ id, at: this.#queue.queued });
    if (this.#queue.queued <= this.#playhead.heard()) queueMicrotask(() => this.#tellMarks());
    else this.#pump();
  }

  position(): PlayoutPosition {
    return { queued: this.#queue.queued, sent: this.#playhead.sent, heard: this.#playhead.heard() };
  }

  sendDigits(digits: string): void {
    if (!this.#isOver()) this.#wire.sendDigits?.(digits);
  }

  close(): void {
    if (!this.#isOver()) this.#wire.close();
  }

  /** Caller audio from the wire, at its rate; the view is not kept. */
  heardAudio(view: Int16Array): void {
    if (this.#end || view.length === 0) return;
    const clockMs = this.#clock.nowMs();
    if (this.#listener) this.#listener.audio(view, clockMs);
    else this.#early.keepAudio(view, clockMs);
  }

  heardDigit(digit: string): void {
    if (this.#end) return;
    if (this.#listener) this.#listener.digit(digit);
    else this.#early.keepDigit(digit);
  }

  /** An echo came back; one of an unknown or cleared mark changes nothing. */
  echoed(id: string): void {
    if (this.#end || this.#playhead.echoed(id).length === 0) return;
    this.#release();
    this.#tellMarks();
    this.#pump();
    this.#tellRoom();
  }

  /** The other side asks us to stop sending, or to go on (XOFF, XON). */
  setFlow(isOpen: boolean): void {
    this.#isStopped = !isOpen;
    if (isOpen) this.#pump();
  }

  /** The wire ended. */
  finish(end: MediaEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#stopTimer();
    this.#tellEnd();
  }

  #sendAgainFrom(position: number): void {
    this.#next = Math.max(position, this.#clearedTo, this.#queue.kept);
    this.#playhead.flush(this.#next);
  }

  #pump(): void {
    if (this.#timer || this.#isPaused || this.#isStopped || this.#end) return;
    const leadMs = this.#leadMs();
    const lead = leadMs * this.#samplesPerMs;
    const { minMessageMs, maxMessageMs, burstMs = 0 } = this.#rules;
    // Around the lead, as a message that long would be.
    const spreadMs = Math.max(0, burstMs - maxMessageMs) / 2;
    const full = lead + spreadMs * this.#samplesPerMs;
    while (this.#playhead.ahead < full) {
      const samples = this.#nextLength();
      if (samples === 0) break;
      this.#send(samples);
    }
    this.#tellRoom();
    const hasMore = this.#nextLength() > 0;
    if (!hasMore) return;
    const excessMs = (this.#playhead.ahead - lead) / this.#samplesPerMs;
    // A little late on purpose, so that wake-ups are few.
    const patienceMs = Math.max(Math.min(PATIENCE_MS, leadMs / 3), (maxMessageMs - minMessageMs) / 2, spreadMs);
    this.#timer = this.#clock.after(Math.max(1, excessMs + patienceMs), () => {
      this.#timer = null;
      this.#pump();
    });
  }

  #leadMs(): number {
    const { leadMs, roundTrip } = this.#rules;
    if (!roundTrip) return leadMs;
    return leadMs + Math.min(roundTrip.mostMs, this.#playhead.roundTripMs ?? roundTrip.untilKnownMs);
  }

  /** Samples of the next message: 0 when there is too little to send. */
  #nextLength(): number {
    const waiting = this.#queue.queued - this.#next;
    if (waiting <= 0) return 0;
    const isTail = this.#replyEnd === this.#queue.queued;
    const { minMessageMs, maxMessageMs, firstMessageMs } = this.#rules;
    const isFirst = firstMessageMs !== undefined && this.#playhead.ahead <= 0;
    if (!isTail && waiting < (isFirst ? firstMessageMs : minMessageMs) * this.#samplesPerMs) return 0;
    const most = Math.min(waiting, (isFirst ? firstMessageMs : maxMessageMs) * this.#samplesPerMs);
    const whole = most - (most % this.#rules.blockSamples);
    return whole > 0 ? whole : isTail ? most : 0;
  }

  #send(samples: number): void {
    const block = this.#rules.blockSamples;
    const padded = Math.ceil(samples / block) * block;
    this.#queue.copy(this.#next, samples, this.#message);
    if (padded > samples) this.#message.fill(0, samples, padded);
    if (this.#padded.length !== padded) this.#padded = this.#message.subarray(0, padded);
    this.#wire.sendAudio(this.#padded);
    this.#next += samples;
    this.#playhead.send(samples);
    this.#unmarked += samples;
    this.#markIfDue();
  }

  /** An echo is asked for behind the first message, then each 100 ms, and behind the last that there is. */
  #markIfDue(): void {
    const isDue = this.#unmarked >= MARK_EVERY_MS * this.#samplesPerMs;
    if (!isDue && this.#playhead.pendingMarks > 0 && this.#nextLength() > 0) return;
    this.#unmarked = 0;
    const echo = `e${this.#echoes++}`;
    this.#playhead.mark(echo);
    this.#wire.sendMark(echo);
  }

  #release(): void {
    this.#queue.release(this.#playhead.heard() - REWIND_MS * this.#samplesPerMs);
  }

  #tellMarks(): void {
    const heard = this.#playhead.heard();
    for (let next = this.#marks[0]; next && next.at <= heard; next = this.#marks[0]) {
      this.#marks.shift();
      if (!this.#end) this.#listener?.played(next.id);
    }
  }

  #tellRoom(): void {
    const waiting = this.#queue.queued - this.#next;
    if (!this.#isFull || waiting > (QUEUE_MS * this.#samplesPerMs * 7) / 8) return;
    this.#isFull = false;
    queueMicrotask(() => {
      if (!this.#end) this.#listener?.writable();
    });
  }

  #tellEnd(): void {
    if (!this.#end || !this.#listener || this.#isEndTold) return;
    this.#isEndTold = true;
    this.#listener.closed(this.#end);
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #isOver(): boolean {
    if (this.#end) this.lateVerbs++;
    return this.#end !== null;
  }
}
