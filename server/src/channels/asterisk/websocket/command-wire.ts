import type { Clock, Timer } from '../../../core/ports/clock.ts';
import type { MediaSocket } from '../../../core/ports/media-socket.ts';
import type { Metrics } from '../../../core/ports/metrics.ts';
import { EchoWatch } from '../../../media/remote/echo-watch.ts';
import type { RemoteWire } from '../../../media/remote/remote-wire.ts';
import { type ControlCommand, type ControlFormat, controlCommand } from './control-message.ts';
import type { MediaFormat } from './media-format.ts';

/** A mark may come so long after its time before we ask what is the matter; sooner while we do not know if there are any. */
const LATE_ECHO_MS = 500;
const FIRST_ECHO_MS = 100;
/** A GET_STATUS without an answer for so long: this is no Asterisk that knows commands. */
const NO_ANSWER_MS = 1_000;
/** Where there are no marks: audio counts as heard so long after its time by the clock … */
const ESTIMATE_MARGIN_MS = 60;
/** … and the last of it only when the queue was reported drained, or after this. */
const DRAINED_WITHIN_MS = 1_000;
/** What Asterisk has left when it reports its queue drained: nothing but what is on its way. */
const DRAINED_AT_MOST_MS = 40;
/** Between utterances more than this in Asterisk's queue is none of ours, and would delay the next one. */
const MOST_DRIFT_MS = 200;
const IDLE_MS = 300;
/** Proves that the other side lives: chan_websocket says nothing by itself while the caller's phone sends nothing. */
const STATUS_EVERY_MS = 10_000;
/** A peer that does not read: audio is dropped above this, and counted. */
const MOST_BUFFERED_BYTES = 256 * 1024;

export type CommandWireParts = {
  readonly socket: MediaSocket;
  readonly spelling: ControlFormat;
  readonly format: MediaFormat;
  readonly optimalFrameSize: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly echoed: (id: string) => void;
  readonly hangUp: () => void;
};

type Mark = { readonly id: string; readonly frames: number };
/** Why GET_STATUS was asked. A mark is processed one tick after its last frame, so only a late one may be called lost. */
type Occasion = 'late mark' | 'idle' | 'regular';
type Question = {
  readonly occasion: Occasion;
  readonly epoch: number;
  readonly frames: number;
  readonly askedMs: number;
};
type Status = { readonly queueLength: number; readonly isPaused: boolean };

/**
 * Asterisk's own playout, told what to do in commands. The heard position comes from MARK_MEDIA; an Asterisk that has no marks
 * yet is followed by the clock, GET_STATUS and REPORT_QUEUE_DRAINED. Frames are counted from the last flush on, as a flush
 * drops the queue and every mark in it without a word. Source: channels/chan_websocket.c.
 */
export class CommandWire implements RemoteWire {
  readonly hold = { sendPause: () => this.#pause(), sendContinue: () => this.#continue() };
  readonly #parts: CommandWireParts;
  readonly #watch: EchoWatch;
  readonly #frameMs: number;
  #marks: Mark[] = [];
  #questions: Question[] = [];
  /** Null until the first echo, or the proof that there will be none. */
  #hasMarks: boolean | null = null;
  #frames = 0;
  #epoch = 0;
  #isPaused = false;
  #hasAskedForDrain = false;
  #idleTimer: Timer | null = null;
  #statusTimer: Timer | null = null;

  constructor(parts: CommandWireParts) {
    this.#parts = parts;
    const { clock, format, optimalFrameSize } = parts;
    this.#frameMs = (optimalFrameSize * 1000) / (format.bytesPerSample * format.sampleRate);
    this.#watch = new EchoWatch({
      clock,
      marginMs: FIRST_ECHO_MS,
      lastMarginMs: DRAINED_WITHIN_MS,
      overdue: (id) => this.#overdue(id),
    });
    this.#askRegularly();
  }

  sendAudio(samples: Int16Array): void {
    const { socket, format, metrics, optimalFrameSize } = this.#parts;
    if (socket.bufferedBytes > MOST_BUFFERED_BYTES) {
      metrics.count('stream_dropped_total', { channel: 'asterisk' });
      return;
    }
    const bytes = format.encode(samples);
    const frames = bytes.length / optimalFrameSize;
    socket.sendBinary(bytes);
    this.#frames += frames;
    this.#watch.sent(frames * this.#frameMs);
    this.#stopIdleTimer();
  }

  sendMark(id: string): void {
    this.#marks.push({ id, frames: this.#frames });
    if (this.#hasMarks !== false) this.#command('MARK_MEDIA', id);
    else if (!this.#hasAskedForDrain) this.#askForDrain();
    this.#watch.mark(id);
  }

  sendClear(): void {
    this.#command('FLUSH_MEDIA');
    this.#marks = [];
    this.#frames = 0;
    this.#epoch++;
    this.#watch.forget(true);
    this.#stopIdleTimer();
  }

  close(): void {
    this.#parts.hangUp();
  }

  /** MEDIA_MARK_PROCESSED. */
  markProcessed(id: string): void {
    if (!this.#hasMarks) this.#watch.setMargin(LATE_ECHO_MS);
    this.#hasMarks = true;
    this.#reach(id);
  }

  /** STATUS: the answer to our oldest question. */
  status({ queueLength, isPaused }: Status): void {
    const question = this.#questions.shift();
    if (!question || question.epoch !== this.#epoch) return;
    if (isPaused && !this.#isPaused) this.#command('CONTINUE_MEDIA');
    // The frame that left the queue last is being played just now.
    const played = question.frames - queueLength - (queueLength > 0 ? 1 : 0);
    if (question.occasion === 'late mark') this.#makeGood(played);
    const isStillIdle = question.occasion === 'idle' && question.frames === this.#frames;
    if (!isStillIdle || queueLength * this.#frameMs <= MOST_DRIFT_MS) return;
    this.#parts.metrics.count('stream_drift_total', { channel: 'asterisk' });
    this.sendClear();
  }

  /** QUEUE_DRAINED: everything Asterisk had was played. */
  drained(): void {
    this.#hasAskedForDrain = false;
    const newest = this.#marks.at(-1);
    if (this.#hasMarks !== false || !newest) return;
    if (this.#watch.leftMs <= DRAINED_AT_MOST_MS) this.#reach(newest.id);
    else this.#askForDrain();
  }

  /** ERROR: before the first echo it means that MARK_MEDIA is not known. */
  refused(): void {
    if (this.#hasMarks === null && this.#marks.length > 0) this.#doWithoutMarks();
  }

  /** The socket is closed: no more timers. */
  stop(): void {
    this.#watch.stop();
    this.#stopIdleTimer();
    this.#statusTimer?.cancel();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#watch.hold();
    this.#command('PAUSE_MEDIA');
  }

  #continue(): void {
    this.#isPaused = false;
    this.#command('CONTINUE_MEDIA');
    this.#watch.goOn();
  }

  /** So many frames were played, and no word of the marks behind them. */
  #makeGood(played: number): void {
    const reached = this.#marks.findLast((mark) => mark.frames <= played);
    if (!reached) return;
    // Unless it ever answered one, this Asterisk has no marks.
    if (this.#hasMarks === null) this.#doWithoutMarks();
    else if (this.#hasMarks) this.#parts.metrics.count('stream_lost_marks_total', { channel: 'asterisk' });
    this.#reach(reached.id);
  }

  #reach(id: string): void {
    const index = this.#marks.findIndex((mark) => mark.id === id);
    if (index < 0) return;
    this.#marks.splice(0, index + 1);
    this.#watch.echoed(id);
    this.#parts.echoed(id);
    if (this.#marks.length === 0) this.#startIdleTimer();
  }

  #overdue(id: string): void {
    const askedMs = this.#questions[0]?.askedMs ?? Number.POSITIVE_INFINITY;
    const isDeaf = this.#parts.clock.nowMs() - askedMs >= NO_ANSWER_MS;
    if (this.#hasMarks === null && isDeaf) this.#doWithoutMarks();
    if (this.#hasMarks === false) this.#reach(id);
    else this.#ask('late mark');
  }

  #doWithoutMarks(): void {
    this.#hasMarks = false;
    this.#parts.metrics.count('stream_without_marks_total', { channel: 'asterisk' });
    this.#askForDrain();
    this.#watch.setMargin(ESTIMATE_MARGIN_MS);
  }

  #askForDrain(): void {
    this.#hasAskedForDrain = true;
    this.#command('REPORT_QUEUE_DRAINED');
  }

  #ask(occasion: Occasion): void {
    const askedMs = this.#parts.clock.nowMs();
    this.#questions.push({ epoch: this.#epoch, frames: this.#frames, occasion, askedMs });
    this.#command('GET_STATUS');
  }

  #askRegularly(): void {
    this.#statusTimer = this.#parts.clock.after(STATUS_EVERY_MS, () => {
      this.#ask(this.#marks.length === 0 ? 'idle' : 'regular');
      this.#askRegularly();
    });
  }

  #startIdleTimer(): void {
    this.#stopIdleTimer();
    this.#idleTimer = this.#parts.clock.after(IDLE_MS, () => this.#ask('idle'));
  }

  #stopIdleTimer(): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
  }

  #command(command: ControlCommand, id?: string): void {
    this.#parts.socket.sendText(controlCommand(this.#parts.spelling, command, id));
  }
}
