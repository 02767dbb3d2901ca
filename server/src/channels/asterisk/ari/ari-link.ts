import { WebSocket } from 'ws';
import { AppError } from '../../../core/errors.ts';
import type { Clock, Timer } from '../../../core/ports/clock.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import type { Metrics } from '../../../core/ports/metrics.ts';
import type { AriClient } from './ari-client.ts';
import { ARI_EVENT_TYPES, type AriEvent, parseAriEvent } from './ari-event.ts';

export type AriLinkParts = {
  readonly client: AriClient;
  /** Ours alone: of two sockets with one name Asterisk closes the older. */
  readonly application: string;
  /** For the log. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

export interface AriLinkListener {
  event(event: AriEvent): void;
  /** It is open, or open again: what happened before was missed. */
  opened(): void;
  /** It was lost, or could not be opened. */
  lost?(reason: string): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const HANDSHAKE_LIMIT_MS = 5_000;
/** A connection that died without a word is noticed within two of them. */
const PING_EVERY_MS = 5_000;
const FILTER_LIMIT_MS = 5_000;
const LARGEST_EVENT_BYTES = 1024 * 1024;

/** The event stream of one Asterisk: one WebSocket, opened again with a growing pause for as long as the link is not closed. */
export class AriLink {
  readonly client: AriClient;
  readonly #parts: AriLinkParts;
  readonly #listeners = new Set<AriLinkListener>();
  #socket: WebSocket | null = null;
  #isOpen = false;
  #isClosed = false;
  #isTold = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer | null = null;

  constructor(parts: AriLinkParts) {
    this.client = parts.client;
    this.#parts = parts;
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Returns the way to stop listening. */
  subscribe(listener: AriLinkListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves once events come, tried anew at once. @throws AppError carrier_failed when they cannot be had within the limit. */
  async whenOpen(limitMs: number): Promise<void> {
    if (this.#isOpen) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (reason: string) =>
      reject(
        new AppError('carrier_failed', { detail: `Asterisk at ${this.#parts.address} sends no events: ${reason}` }),
      );
    const unsubscribe = this.subscribe({ event: () => {}, opened: resolve, lost: fail });
    const timer = this.#parts.clock.after(limitMs, () => fail('it does not answer'));
    if (this.#socket === null && !this.#isClosed) this.#connect();
    try {
      await promise;
    } finally {
      unsubscribe();
      timer.cancel();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#socket?.terminate();
    for (const listener of this.#listeners) listener.lost?.('it was closed');
    this.#listeners.clear();
  }

  #connect(): void {
    this.#timer?.cancel();
    const { client, application } = this.#parts;
    const { url, headers } = client.eventStream(application);
    const socket = new WebSocket(url, {
      headers,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      maxPayload: LARGEST_EVENT_BYTES,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let failure = '';
    socket.on('open', () => this.#opened(socket));
    socket.on('message', (data: Buffer) => this.#heard(data.toString()));
    socket.on('error', (error) => {
      failure = error.message;
    });
    socket.on('close', (code) => this.#lost(failure || `closed with ${code}`));
  }

  #opened(socket: WebSocket): void {
    const { client, application, clock, log, address } = this.#parts;
    this.#isOpen = true;
    this.#isTold = false;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#watch(socket, clock.nowMs());
    // Without it, on an Asterisk before 16.3, we hear more than we need.
    client.filterEvents(application, ARI_EVENT_TYPES, AbortSignal.timeout(FILTER_LIMIT_MS)).catch((error: unknown) => {
      log.debug('asterisk.events_unfiltered', { address, reason: String(error) });
    });
    log.info('asterisk.events_open', { address });
    for (const listener of this.#listeners) listener.opened();
  }

  #watch(socket: WebSocket, heardMs: number): void {
    let lastMs = heardMs;
    socket.on('pong', () => {
      lastMs = this.#parts.clock.nowMs();
    });
    const ask = () => {
      if (this.#parts.clock.nowMs() - lastMs > 2 * PING_EVERY_MS) socket.terminate();
      else socket.ping();
      this.#timer = this.#parts.clock.after(PING_EVERY_MS, ask);
    };
    this.#timer = this.#parts.clock.after(PING_EVERY_MS, ask);
  }

  #heard(text: string): void {
    const event = parseAriEvent(text);
    if (event) for (const listener of this.#listeners) listener.event(event);
  }

  #lost(reason: string): void {
    this.#isOpen = false;
    this.#socket = null;
    this.#timer?.cancel();
    if (this.#isClosed) return;
    const { clock, log, metrics, address } = this.#parts;
    metrics.count('asterisk_event_links_lost_total');
    // Once for each time it goes away: an Asterisk that is switched off is no news every half minute.
    if (!this.#isTold) log.warn('asterisk.events_lost', { address, reason });
    this.#isTold = true;
    this.#timer = clock.after(this.#pauseMs, () => this.#connect());
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    for (const listener of this.#listeners) listener.lost?.(reason);
  }
}
