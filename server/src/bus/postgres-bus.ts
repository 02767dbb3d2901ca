import pg from 'pg';
import { AppError } from '../core/errors.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { BusListener, BusMessage, EventBus } from '../core/ports/event-bus.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import { readMessage, writeMessage } from './bus-message.ts';

export type PostgresBusParts = {
  /** pg's own names; a session of its own, so not through a pooler in transaction mode. */
  readonly connection: pg.ClientConfig;
  readonly clock: Clock;
  readonly log: EventLog;
};

const CHANNEL = 'assistant_bus';
const CONNECT_LIMIT_MS = 5_000;
const QUERY_LIMIT_MS = 2_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A connection that broke without a word is noticed within this time and the query limit. */
const CHECK_EVERY_MS = 10_000;

/** The bus over LISTEN and NOTIFY (PostgreSQL manual, NOTIFY). Opening does not wait for the database. */
export function openPostgresBus(parts: PostgresBusParts): EventBus {
  return new PostgresBus(parts);
}

class PostgresBus implements EventBus {
  readonly #parts: PostgresBusParts;
  readonly #listeners = new Set<BusListener>();
  #client: pg.Client | null = null;
  #connecting: Promise<void>;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer | null = null;
  #wasConnected = false;
  #isClosed = false;

  constructor(parts: PostgresBusParts) {
    this.#parts = parts;
    this.#connecting = this.#connect();
  }

  async publish(message: BusMessage): Promise<void> {
    await this.#connecting;
    try {
      if (!this.#client) throw new Error('the bus is not connected');
      await this.#client.query('select pg_notify($1, $2)', [CHANNEL, writeMessage(message)]);
    } catch (cause) {
      throw new AppError('database_unavailable', { retryAfterSeconds: 2, cause });
    }
  }

  subscribe(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#connecting;
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      ...this.#parts.connection,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: QUERY_LIMIT_MS,
      keepAlive: true,
      application_name: 'assistant-api bus',
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the connection ended')));
    client.on('notification', ({ payload }) => this.#deliver(payload));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      client.end().catch(() => undefined);
      this.#reconnectLater(error);
      return;
    }
    this.#client = client;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#checkLater();
    if (this.#wasConnected) for (const listener of this.#listeners) listener.resync();
    this.#wasConnected = true;
  }

  #deliver(payload: string | undefined): void {
    const message = readMessage(payload);
    if (message) for (const listener of this.#listeners) listener.message(message);
  }

  #lost(client: pg.Client, error: Error): void {
    if (this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => undefined);
    this.#reconnectLater(error);
  }

  #reconnectLater(error: unknown): void {
    if (this.#isClosed) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.#parts.log.warn('bus.connection_lost', { reason, retryInMs: this.#pauseMs });
    this.#after(this.#pauseMs, () => {
      this.#connecting = this.#connect();
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #checkLater(): void {
    this.#after(CHECK_EVERY_MS, () => {
      const client = this.#client;
      client?.query('select').then(
        () => this.#checkLater(),
        (error: Error) => this.#lost(client, error),
      );
    });
  }

  #after(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    if (!this.#isClosed) this.#timer = this.#parts.clock.after(delayMs, callback);
  }
}
