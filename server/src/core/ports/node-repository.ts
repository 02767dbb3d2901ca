import type { ContextId, NodeId } from '../ids.ts';

/** The processes that share the database: each has a row with a heartbeat. */
export interface NodeRepository {
  register(node: {
    readonly id: NodeId;
    readonly host: string;
    readonly pid: number;
    readonly url: string;
  }): Promise<void>;
  /** Each 5 s. */
  beat(id: NodeId, activeCalls: number): Promise<void>;
  /** Nodes heard of within `silentMs`, this one too, in the same order for all. */
  alive(silentMs: number): Promise<readonly NodeId[]>;
  /** A clean stop: the row goes, its calls were ended before. */
  leave(id: NodeId): Promise<void>;
  /**
   * Ends what nobody owns: calls of nodes silent for `silentMs` become `node_lost` (also those of an earlier process of
   * this host and pid that is gone), pending contexts past their time `expired` with their call `never_connected`.
   * Safe on every node at once. Returns the contexts ended.
   */
  reap(silentMs: number): Promise<readonly ContextId[]>;
}
