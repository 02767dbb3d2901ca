import type { NodeId } from '../core/ids.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { NodeRepository } from '../core/ports/node-repository.ts';

export const HEARTBEAT_MS = 5_000;
const REAP_EVERY_MS = 10_000;
/** Three missed beats: the node is gone. */
export const SILENT_AFTER_MS = 3 * HEARTBEAT_MS;

export type NodeLeaseParts = {
  readonly nodes: NodeRepository;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly nodeId: NodeId;
  readonly activeCalls: () => number;
};

/** Keeps this process's row alive and ends what dead processes left behind: their calls become `node_lost`. */
export class NodeLease implements AsyncDisposable {
  readonly #parts: NodeLeaseParts;
  readonly #timers = new Map<string, Timer>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(parts: NodeLeaseParts) {
    this.#parts = parts;
  }

  /** Registers the node, reaps once, then beats and reaps on the clock. */
  async start(node: { readonly host: string; readonly pid: number; readonly url: string }): Promise<void> {
    await this.#parts.nodes.register({ id: this.#parts.nodeId, ...node });
    await this.#reap();
    this.#every('beat', HEARTBEAT_MS, () => this.#parts.nodes.beat(this.#parts.nodeId, this.#parts.activeCalls()));
    this.#every('reap', REAP_EVERY_MS, () => this.#reap());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    await Promise.all(this.#running);
    await this.#parts.nodes.leave(this.#parts.nodeId).catch(() => undefined);
  }

  async #reap(): Promise<void> {
    const ended = await this.#parts.nodes.reap(SILENT_AFTER_MS);
    if (ended.length > 0) this.#parts.log.warn('calls.reaped', { count: ended.length });
  }

  /** Runs `work` each `periodMs`, never twice at once; a failure is logged and the next round tries again. */
  #every(name: string, periodMs: number, work: () => Promise<void>): void {
    const timer = this.#parts.clock.after(periodMs, () => {
      const round = work()
        .catch((error: unknown) => this.#parts.log.warn('node.round_failed', { round: name, reason: String(error) }))
        .then(() => {
          this.#running.delete(round);
          if (!this.#isStopped) this.#every(name, periodMs, work);
        });
      this.#running.add(round);
    });
    this.#timers.set(name, timer);
  }
}
