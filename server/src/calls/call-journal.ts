import type { ConversationRecorder } from '../conversation/conversation-recorder.ts';
import type { EndReason } from '../core/call/call.ts';
import type { CallEvent, CallTurn } from '../core/call/call-record.ts';
import type { ContextId, NodeId } from '../core/ids.ts';
import type { CallEnding, CallRecordBatch, CallRepository } from '../core/ports/call-repository.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';

const FLUSH_EVERY_MS = 500;
/** Calls that end within it are closed by one statement: at 200 calls a second, ten of them. */
const END_WITHIN_MS = 50;
const LONGEST_BACKOFF_MS = 5_000;
/** Turns and events kept per call while the database is away; then the oldest events go first, and are counted. */
const MOST_PENDING_PER_CALL = 2_000;

export type CallJournalParts = {
  readonly calls: Pick<CallRepository, 'append' | 'endAll' | 'giveUp'>;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** In whose name, and whether a call that nobody has claimed stays as it is. */
export type GivenUp = { readonly nodeId: NodeId; readonly isPendingKept: boolean };

type Page = {
  turns: CallTurn[];
  events: (CallEvent & { readonly seq: number })[];
  nextSeq: number;
  dtmf: string;
  isDirty: boolean;
  ending: EndReason | null;
  /** Set: only if this node holds the call, or nobody does. */
  givenUp: GivenUp | null;
  resolveEnded: () => void;
};

/**
 * Writes what happens in calls behind them: in batches, at most half a second late, tried again until the database takes
 * it. A call's terminal state follows its last turns.
 */
export class CallJournal {
  readonly #parts: CallJournalParts;
  readonly #pages = new Map<ContextId, Page>();
  #timer: Timer | null = null;
  #dueMs = 0;
  #backoffMs = FLUSH_EVERY_MS;
  #flushing: Promise<void> | null = null;
  #isClosed = false;

  constructor(parts: CallJournalParts) {
    this.#parts = parts;
  }

  /** How many calls wait for a write. */
  get pendingCalls(): number {
    return this.#pages.size;
  }

  /** One call's page. Nothing in it waits for the database. */
  open(contextId: ContextId): ConversationRecorder {
    // A call that was let go of and then taken after all.
    if (this.#pages.get(contextId)?.givenUp) this.#pages.delete(contextId);
    const page = this.#page(contextId);
    return {
      turn: (turn) => {
        page.turns.push(turn);
        this.#touch(page);
      },
      event: (event) => {
        page.events.push({ ...event, seq: page.nextSeq++ });
        this.#touch(page);
      },
      digit: (digit) => {
        page.dtmf += digit;
        this.#touch(page);
      },
    };
  }

  /** Closes a call's page with its terminal state; resolves once the database has it. */
  end(contextId: ContextId, reason: EndReason): Promise<void> {
    const page = this.#page(contextId);
    page.ending ??= reason;
    const ended = new Promise<void>((resolve) => {
      const before = page.resolveEnded;
      page.resolveEnded = () => {
        before();
        resolve();
      };
    });
    this.#schedule(END_WITHIN_MS);
    return ended;
  }

  /** Lets go of a call that this node may have claimed without learning of it, as soon as the database answers. */
  giveUp(contextId: ContextId, givenUp: GivenUp): Promise<void> {
    this.#page(contextId).givenUp = givenUp;
    return this.end(contextId, 'never_connected');
  }

  /** Writes everything now. @throws what the database threw. */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing.catch(() => undefined);
    this.#flushing = this.#write().finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  /** Stops the timer and writes what is left. @throws what the database threw: those rows are lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    await this.flush();
  }

  #page(contextId: ContextId): Page {
    let page = this.#pages.get(contextId);
    if (!page) {
      page = {
        turns: [],
        events: [],
        nextSeq: 0,
        dtmf: '',
        isDirty: false,
        ending: null,
        givenUp: null,
        resolveEnded: () => {},
      };
      this.#pages.set(contextId, page);
    }
    return page;
  }

  #touch(page: Page): void {
    page.isDirty = true;
    const excess = page.turns.length + page.events.length - MOST_PENDING_PER_CALL;
    if (excess > 0) {
      const dropped = page.events.splice(0, excess).length || page.turns.splice(0, excess).length;
      this.#parts.metrics.count('journal_dropped_total', {}, dropped);
    }
    this.#schedule(this.#backoffMs);
  }

  /** The earlier of two times counts. */
  #schedule(delayMs: number): void {
    const dueMs = this.#parts.clock.nowMs() + delayMs;
    if (this.#isClosed || (this.#timer && this.#dueMs <= dueMs)) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#parts.clock.after(delayMs, () => {
      this.#timer = null;
      this.flush().then(
        () => {
          this.#backoffMs = FLUSH_EVERY_MS;
        },
        (error: unknown) => this.#retryLater(error),
      );
    });
  }

  #retryLater(error: unknown): void {
    this.#backoffMs = Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS);
    this.#parts.log.warn('journal.write_failed', { retryInMs: this.#backoffMs, calls: this.#pages.size });
    this.#parts.log.debug('journal.write_failed.cause', { reason: String(error) });
    this.#schedule(this.#backoffMs);
  }

  async #write(): Promise<void> {
    const dirty = Array.from(this.#pages).filter(([, page]) => page.isDirty);
    if (dirty.length > 0) {
      const batch = dirty.map(([contextId, page]) => takeBatch(contextId, page));
      try {
        await this.#parts.calls.append(batch);
      } catch (error) {
        for (const [index, [, page]] of dirty.entries()) putBack(page, batch[index]);
        throw error;
      }
    }
    await this.#endAll();
  }

  async #endAll(): Promise<void> {
    const over = Array.from(this.#pages).filter(([, page]) => page.ending !== null && !page.isDirty);
    const endings: CallEnding[] = [];
    for (const [contextId, { ending, givenUp }] of over) {
      if (givenUp) await this.#parts.calls.giveUp(contextId, givenUp.nodeId, givenUp);
      else if (ending !== null) endings.push({ contextId, reason: ending });
    }
    if (endings.length > 0) await this.#parts.calls.endAll(endings);
    for (const [contextId, page] of over) this.#close(contextId, page);
  }

  /** What was added while the end was written is written first. */
  #close(contextId: ContextId, page: Page): void {
    if (page.isDirty || this.#pages.get(contextId) !== page) return;
    this.#pages.delete(contextId);
    page.resolveEnded();
  }
}

function takeBatch(contextId: ContextId, page: Page): CallRecordBatch {
  const { turns, events, dtmf } = page;
  page.turns = [];
  page.events = [];
  page.isDirty = false;
  return { contextId, turns, events, dtmf };
}

function putBack(page: Page, batch: CallRecordBatch | undefined): void {
  if (!batch) return;
  page.turns = [...batch.turns, ...page.turns];
  page.events = [...batch.events, ...page.events];
  page.isDirty = true;
}
