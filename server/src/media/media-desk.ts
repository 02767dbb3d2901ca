import type { ContextId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaTransport } from '../core/ports/media-transport.ts';
import { openCallMemory } from './call-memory.ts';
import { type DoorbellMemory, DoorbellReader } from './doorbell.ts';
import type { CallNumber, ListenerNumber, MediaNews, MediaTick } from './messages.ts';
import { SharedTransport } from './shared-transport.ts';

/** A peer has named its call. Close the media to refuse it. */
export type MediaArrival = {
  readonly contextId: ContextId;
  readonly remoteAddress: string;
  readonly media: MediaTransport;
};

type DeskOptions = {
  readonly doorbell: DoorbellMemory;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Asks the worker for something about a call: to hang up, to take its memory back. */
  readonly send: (command: { readonly type: 'close' | 'release'; readonly call: CallNumber }) => void;
  /** A verb came after `closed`. */
  readonly countLateVerb: () => void;
  readonly onArrival: (listener: ListenerNumber, arrival: MediaArrival) => void;
};

/** Main's counterpart of one worker's plane: keeps the transports and tells them what the worker says. */
export class MediaDesk {
  readonly #options: DeskOptions;
  readonly #doorbell: DoorbellReader;
  readonly #calls = new Map<CallNumber, { transport: SharedTransport; contextId: ContextId }>();
  /** Clock.nowMs minus the worker's clock, as the quickest message has shown it. */
  #offsetMs = Number.POSITIVE_INFINITY;
  #workerMs = 0;
  #droppedIn = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#doorbell = new DoorbellReader(options.doorbell);
  }

  get samplesDroppedIn(): number {
    let dropped = this.#droppedIn;
    for (const { transport } of this.#calls.values()) dropped += transport.samplesDroppedIn;
    return dropped;
  }

  /** What the worker tells at the end of a tick. A listener that throws is logged and harms no other call. */
  receive(tick: MediaTick): void {
    this.#workerMs = tick.workerMs;
    this.#offsetMs = Math.min(this.#offsetMs, this.#options.clock.nowMs() - tick.workerMs);
    for (const news of tick.news) if (news.type === 'arrived') this.#arrived(news);
    this.#doorbell.answer((call) => this.#attend(call));
    for (const news of tick.news) this.#tell(news);
  }

  /** The worker died: every call of it ends. */
  failAll(detail: string): void {
    for (const call of [...this.#calls.keys()]) this.#tell({ type: 'closed', call, end: { type: 'failed', detail } });
  }

  #tell(news: MediaNews): void {
    if (news.type !== 'digit' && news.type !== 'unheard' && news.type !== 'closed') return;
    const entry = this.#calls.get(news.call);
    if (entry === undefined) return;
    const { transport, contextId } = entry;
    this.#guard(contextId, () => {
      if (news.type === 'digit') transport.digit(news.digit);
      else if (news.type === 'unheard') this.#unheard(news.call, news);
      else this.#closed(news.call, () => transport.finish(news.end));
    });
  }

  #unheard(call: CallNumber, range: { from: number; to: number }): void {
    const entry = this.#calls.get(call);
    if (entry === undefined) return;
    const { contextId, transport } = entry;
    const unheardMs = (((range.to - range.from) | 0) * 1000) / transport.sampleRate;
    this.#options.log.warn('media.peer_stalled', { contextId, unheardMs });
    transport.unheard(range.from, range.to);
  }

  #closed(call: CallNumber, finish: () => void): void {
    const transport = this.#calls.get(call)?.transport;
    this.#calls.delete(call);
    try {
      finish();
    } finally {
      this.#droppedIn += transport?.samplesDroppedIn ?? 0;
      this.#options.send({ type: 'release', call });
    }
  }

  #arrived(news: Extract<MediaNews, { type: 'arrived' }>): void {
    const { call, contextId, remoteAddress } = news;
    const transport: SharedTransport = new SharedTransport(openCallMemory(news.memory, news.sampleRate), {
      close: () => this.#options.send({ type: 'close', call }),
      wake: () => queueMicrotask(() => this.#guard(contextId, () => transport.attend())),
      countLateVerb: this.#options.countLateVerb,
      clockMs: (workerUs) => this.#clockMs(workerUs),
    });
    this.#calls.set(call, { transport, contextId });
    this.#guard(contextId, () =>
      this.#options.onArrival(news.listener, { contextId, remoteAddress, media: transport }),
    );
  }

  #attend(call: CallNumber): void {
    if (call < 0) {
      for (const [each] of this.#calls) this.#attend(each);
      return;
    }
    const entry = this.#calls.get(call);
    if (entry !== undefined) this.#guard(entry.contextId, () => entry.transport.attend());
  }

  #clockMs(workerUs: number): number {
    const ageMs = ((Math.round(this.#workerMs * 1000) - workerUs) | 0) / 1000;
    return this.#workerMs - ageMs + this.#offsetMs;
  }

  #guard(contextId: ContextId, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error('media.listener_failed', { contextId }, error);
    }
  }
}
