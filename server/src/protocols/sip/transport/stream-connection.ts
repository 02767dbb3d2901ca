import type net from 'node:net';
import type { Clock, Timer } from '../environment.ts';
import type { Flow, Protocol, Target, TransportEvents } from './flow.ts';
import { StreamFramer, type StreamItem } from './stream-framer.ts';

/** A message that was begun must be complete in this time: slow senders are closed. */
export const SLOW_MESSAGE_MS = 10_000;
/** Without a byte for this long a connection is closed; keep-alives come every 95-120 s (RFC 5626, 4.4.1). */
export const IDLE_MS = 10 * 60_000;
/** Messages a connection may deliver in one second: a PBX sends all its calls by one, five messages each. A flooding one is closed. */
export const MAX_MESSAGES_PER_SECOND = 2000;
/** Unsent bytes at which a peer that does not read is closed. */
export const MAX_UNSENT_BYTES = 1 << 20;

const PONG = Buffer.from('\r\n');

/** One TCP or TLS connection: framing in, whole messages out, and the guards against slow and flooding peers. */
export class StreamConnection implements Flow {
  readonly protocol: Protocol;
  readonly remote: Target;
  readonly local: Target;
  readonly #socket: net.Socket;
  readonly #clock: Clock;
  readonly #events: TransportEvents;
  readonly #framer = new StreamFramer();
  #isOpen = true;
  #idle: Timer | undefined;
  #slow: Timer | undefined;
  #secondStartMs = 0;
  #messagesThisSecond = 0;

  constructor(socket: net.Socket, remote: Target, tools: { readonly clock: Clock; readonly events: TransportEvents }) {
    this.#socket = socket;
    this.#clock = tools.clock;
    this.#events = tools.events;
    this.protocol = remote.protocol;
    this.remote = remote;
    this.local = { protocol: remote.protocol, address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#events.error?.(error, remote));
    socket.on('close', () => this.#release());
    this.#watchIdle();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(bytes: Uint8Array): boolean {
    if (!this.#isOpen) return false;
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) {
      this.#fail('the peer does not read');
      return false;
    }
    this.#socket.write(bytes);
    return true;
  }

  close(): void {
    this.#release();
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    this.#watchIdle();
    for (const item of this.#framer.push(chunk)) {
      if (!this.#isOpen) return;
      this.#take(item);
    }
    if (this.#isOpen) this.#watchSlow();
  }

  #take(item: StreamItem): void {
    if (item.type === 'ping') this.#socket.write(PONG);
    else if (item.type === 'broken') this.#fail(item.reason);
    else if (this.#isFlooding()) this.#fail(`over ${MAX_MESSAGES_PER_SECOND} messages a second`);
    else this.#events.message(item.result, this);
  }

  #isFlooding(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#secondStartMs >= 1000) {
      this.#secondStartMs = nowMs;
      this.#messagesThisSecond = 0;
    }
    return ++this.#messagesThisSecond > MAX_MESSAGES_PER_SECOND;
  }

  #watchIdle(): void {
    this.#idle?.cancel();
    this.#idle = this.#clock.after(IDLE_MS, () => this.close());
  }

  /** The timer runs from a message's first byte; later bytes do not prolong it. */
  #watchSlow(): void {
    if (this.#framer.isInsideMessage) {
      this.#slow ??= this.#clock.after(SLOW_MESSAGE_MS, () => this.#fail('a message took over 10 s'));
      return;
    }
    this.#slow?.cancel();
    this.#slow = undefined;
  }

  #fail(reason: string): void {
    this.#events.error?.(new Error(`connection closed: ${reason}`), this.remote);
    this.#release();
    // What was already written, a 400 for example, still goes out.
    this.#socket.destroySoon();
  }

  #release(): void {
    this.#isOpen = false;
    this.#idle?.cancel();
    this.#slow?.cancel();
  }
}
