import { endCallAs } from '../calls/end-call.ts';
import { hangUpCall } from '../calls/hang-up-call.ts';
import type { LiveCalls } from '../calls/live-calls.ts';
import { endUnanswered, type PlaceCallsParts, placeNextCall } from '../calls/place-calls.ts';
import type { ProjectLines } from '../calls/project-lines.ts';
import { watchCarrier } from '../calls/watch-carrier.ts';
import type { ContextId, NodeId } from '../core/ids.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Storage } from '../storage/open-storage.ts';

export type OutboundParts = {
  readonly storage: Storage;
  readonly lines: ProjectLines;
  readonly channels: readonly Channel[];
  readonly liveCalls: LiveCalls;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly publicHost: string | null;
  readonly nodeId: NodeId;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** The work of placing calls, as the jobs room wakes it, and of following them. */
export function assembleOutbound(parts: OutboundParts) {
  const { storage, liveCalls } = parts;
  const { calls, outbound, deployments } = storage;
  const placing: PlaceCallsParts = {
    ...parts,
    calls,
    outbound,
    isDraining: () => liveCalls.isDraining,
    endCall: (contextId, reason) =>
      endCallAs({ ...parts, calls, hangUp: (context) => void hangUpCall(parts, context) }, contextId, reason),
  };
  return {
    placeNextCall: (signal: AbortSignal, contextId?: ContextId) => placeNextCall(placing, signal, contextId),
    endUnanswered: () => endUnanswered(placing),
    purge: () => storage.idempotency.purge(),
    watchCarrier: (channel: Channel) => watchCarrier({ ...placing, calls, deployments }, channel),
  };
}
