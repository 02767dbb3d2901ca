import type { AudioFrame } from '@assistant/server/core/audio-frame';
import type { ReplyId } from '@assistant/server/core/ids';
import type { Clock, Timer } from '@assistant/server/core/ports/clock';
import type {
  Cleared,
  MediaCapabilities,
  MediaEnd,
  MediaFigures,
  MediaListener,
  MediaTransport,
  PlayoutPosition,
} from '@assistant/server/core/ports/media-transport';

const TICK_MS = 20;
const QUEUE_MS = 2_000;

export type FakeMediaOptions = {
  /** One way to the far side. 0: a wire that we pace. */
  readonly latencyMs?: number;
  /** How far we send ahead of the ear. */
  readonly leadMs?: number;
};

/**
 * A wire with an ear at its end. The ear keeps every sample of the call, silence too, so a place in it is a time. With a
 * latency it behaves as a carrier that buffers: what was sent goes on playing until our order has arrived there.
 */
export class FakeMediaTransport implements MediaTransport {
  readonly capabilities: MediaCapabilities;
  readonly sampleRate = 8_000;
  /** What the far side has heard since the call began. */
  readonly ear: number[] = [];
  /** Verbs after the call was closed: harmless. */
  lateVerbs = 0;
  /** Audio that was offered after we hung up ourselves: must stay 0. */
  latePlays = 0;
  /** The far side stops confirming what it plays. */
  isSilentAboutPlayout = false;
  /** The caller's phone sends nothing while nobody speaks. */
  isDtx = false;
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #lead: number;
  #listener: MediaListener | null = null;
  readonly #stream: number[] = [];
  #head = 0;
  #known = 0;
  #floor = 0;
  #generation = 0;
  #isPaused = false;
  #endOfReply = 0;
  #wantsRoom = false;
  #marks: { id: string; at: number }[] = [];
  #far: { from: number; samples: number[] }[] = [];
  #caller: number[] = [];
  #isClosing = false;
  #end: MediaEnd | null = null;
  #ticker: Timer;

  constructor(clock: Clock, options: FakeMediaOptions = {}) {
    const { latencyMs = 0, leadMs = latencyMs === 0 ? TICK_MS : 200 } = options;
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#lead = this.#samples(leadMs);
    this.capabilities = {
      clock: latencyMs === 0 ? 'local' : 'remote',
      maxLeadMs: leadMs,
      hasDtmfIn: true,
      hasDtmfOut: false,
      hasHold: true,
    };
    this.#ticker = clock.after(TICK_MS, () => this.#tick());
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  listen(listener: MediaListener): void {
    this.#listener = listener;
  }

  play(frame: AudioFrame, _replyId: ReplyId): number {
    if (this.#isClosing) this.latePlays++;
    if (this.#isOver()) return 0;
    const room = this.#samples(QUEUE_MS) - (this.#stream.length - this.#head);
    const accepted = Math.max(0, Math.min(room, frame.samples.length));
    for (let index = 0; index < accepted; index++) this.#stream.push(frame.samples[index] ?? 0);
    this.#wantsRoom ||= accepted < frame.samples.length;
    return accepted;
  }

  endReply(_replyId: ReplyId): void {
    if (this.#isOver()) return;
    this.#endOfReply = this.#stream.length;
  }

  pause(): void {
    if (this.#isOver()) return;
    this.#isPaused = true;
    this.#head = this.#known;
    this.#flushFar();
  }

  resume(rewindSamples = 0): void {
    if (this.#isOver()) return;
    this.#isPaused = false;
    this.#head = Math.max(this.#floor, this.#known - rewindSamples);
  }

  clear(): Cleared {
    const cleared = { heardSamples: this.#known, droppedSamples: this.#stream.length - this.#known };
    if (this.#isOver()) return cleared;
    this.#marks = this.#marks.filter((mark) => mark.at <= this.#known);
    this.#head = this.#stream.length;
    this.#known = this.#head;
    this.#floor = this.#head;
    this.#endOfReply = this.#head;
    this.#flushFar();
    return cleared;
  }

  mark(id: string): void {
    if (this.#isOver()) return;
    this.#marks.push({ id, at: this.#stream.length });
  }

  position(): PlayoutPosition {
    return { queued: this.#stream.length, sent: Math.max(this.#head, this.#known), heard: this.#known };
  }

  sendDigits(): void {
    this.#isOver();
  }

  close(): void {
    if (this.#isOver() || this.#isClosing) return;
    this.#isClosing = true;
    this.#clock.after(this.#latencyMs + 1, () => this.#finish({ type: 'closed_by_us' }));
  }

  /** The caller says this from now on, behind what is still being said. */
  say(samples: ArrayLike<number>): void {
    for (let index = 0; index < samples.length; index++) this.#caller.push(samples[index] ?? 0);
  }

  press(digits: string): void {
    for (const digit of digits) this.#listener?.digit(digit);
  }

  hold(isHeld: boolean): void {
    this.#listener?.held(isHeld);
  }

  /** The far side stood still: what it got in this stretch of the stream was not heard. */
  unhear(fromSample: number, toSample: number): void {
    this.#listener?.unheard?.(fromSample, toSample);
  }

  /** The wire learns that less was heard before the last clear than it said. */
  correctClear(heardSamples: number): void {
    this.#listener?.cleared({ heardSamples, droppedSamples: this.#floor - heardSamples });
  }

  hangUp(figures?: MediaFigures): void {
    this.#finish({ type: 'peer_closed' }, figures);
  }

  breakOff(end: MediaEnd = { type: 'lost', detail: 'reset' }): void {
    this.#finish(end);
  }

  #tick(): void {
    this.#ticker = this.#clock.after(TICK_MS, () => this.#tick());
    this.#send();
    this.#playFar();
    this.#sendCaller();
    if (this.#wantsRoom && this.#stream.length - this.#head < this.#samples(QUEUE_MS) - 1_600) {
      this.#wantsRoom = false;
      this.#listener?.writable();
    }
  }

  #send(): void {
    const frame = this.#samples(TICK_MS);
    while (!this.#isPaused && this.#head - this.#known < this.#lead + this.#samples(2 * this.#latencyMs)) {
      const left = this.#stream.length - this.#head;
      if (left <= 0 || (left < frame && this.#endOfReply !== this.#stream.length)) return;
      const from = this.#head;
      const samples = this.#stream.slice(from, from + Math.min(left, frame));
      this.#head += samples.length;
      const generation = this.#generation;
      this.#later(() => {
        if (generation === this.#generation || this.#latencyMs > 0) this.#far.push({ from, samples });
      });
      if (this.#latencyMs === 0) return;
    }
  }

  #playFar(): void {
    const frame = this.#samples(TICK_MS);
    const next = this.#far.shift();
    for (let index = 0; index < frame; index++) this.ear.push(next?.samples[index] ?? 0);
    if (!next || this.isSilentAboutPlayout) return;
    const generation = this.#generation;
    this.#later(() => {
      if (generation !== this.#generation || this.#end !== null) return;
      this.#known = Math.max(this.#known, next.from + next.samples.length);
      this.#tellMarks();
    });
  }

  #tellMarks(): void {
    while (this.#marks[0] && this.#marks[0].at <= this.#known) {
      const mark = this.#marks.shift();
      if (mark) this.#listener?.played(mark.id);
    }
  }

  /** Our order to stop: it takes as long as everything else to get there. */
  #flushFar(): void {
    this.#generation++;
    this.#later(() => {
      this.#far = [];
    });
  }

  #sendCaller(): void {
    const frame = this.#caller.splice(0, this.#samples(TICK_MS));
    if (frame.length === 0 && this.isDtx) return;
    const view = new Int16Array(this.#samples(TICK_MS));
    view.set(frame);
    this.#listener?.audio(view, this.#clock.nowMs());
  }

  #later(action: () => void): void {
    if (this.#latencyMs === 0) action();
    else this.#clock.after(this.#latencyMs, action);
  }

  #finish(end: MediaEnd, figures?: MediaFigures): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#ticker.cancel();
    this.#listener?.closed(end, figures);
  }

  #isOver(): boolean {
    if (this.#end !== null) this.lateVerbs++;
    return this.#end !== null;
  }

  #samples(ms: number): number {
    return (ms * this.sampleRate) / 1000;
  }
}
