import { askCarrier } from '../calls/ask-carrier.ts';
import { checkContext } from '../calls/check-context.ts';
import { createPhoneCall } from '../calls/create-phone-call.ts';
import { endCall, endCallAs } from '../calls/end-call.ts';
import { hangUpCall } from '../calls/hang-up-call.ts';
import type { LiveCalls } from '../calls/live-calls.ts';
import type { ProjectLines } from '../calls/project-lines.ts';
import { type ReceiveCallParts, receiveCall } from '../calls/receive-call.ts';
import { recordCarrierEvent } from '../calls/record-carrier-event.ts';
import { tellTransferNumber } from '../calls/transfer-call-number.ts';
import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { AppError } from '../core/errors.ts';
import type { ContextId } from '../core/ids.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Random } from '../core/ports/random.ts';
import type { UseCases } from '../http/use-cases.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { ApiKeyVerifier } from '../vault/verify-api-key.ts';

const READY_WITHIN_MS = 500;

export type UseCaseParts = {
  readonly storage: Storage;
  readonly keys: ApiKeyVerifier;
  readonly lines: ProjectLines;
  readonly channels: readonly Channel[];
  readonly liveCalls: LiveCalls;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly publicHost: string | null;
  /** A context was opened: the moment to have its greeting ready. */
  readonly opened: (context: CallContext) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** What the http room may ask for. */
export function assembleUseCases(parts: UseCaseParts): UseCases {
  const { storage, keys, liveCalls, clock } = parts;
  const { calls, assistants, transfers } = storage;
  const verifyApiKey = (key: string) => keys.verify(key);
  const admit = () => liveCalls.admit();
  const hangUp = (context: CallContext) => void hangUpCall(parts, context);
  const end = (contextId: ContextId, reason: EndReason) => endCallAs({ ...parts, calls, hangUp }, contextId, reason);
  const ask: ReceiveCallParts['askCarrier'] = (context, credentials) =>
    void askCarrier({ ...parts, endCall: end }, context, credentials);
  return {
    verifyApiKey,
    receiveCall: (command) =>
      receiveCall({ ...parts, calls, assistants, verifyApiKey, admit, askCarrier: ask }, command),
    recordCarrierEvent: (event) => recordCarrierEvent({ ...parts, ...storage, verifyApiKey, endCall: end }, event),
    tellTransferNumber: (event) => tellTransferNumber({ ...parts, calls, assistants, transfers, verifyApiKey }, event),
    checkContext: async (contextId, channel) => void (await checkContext({ calls, clock }, contextId, channel)),
    createPhoneCall: (wish) =>
      createPhoneCall({ ...parts, ...storage, admit: () => refuseWhileDraining(liveCalls) }, wish),
    endCall: (projectId, contextId) => endCall({ ...parts, calls, hangUp }, projectId, contextId),
    listCalls: (query) => calls.list(query),
    getCall: (projectId, contextId) => calls.get(projectId, contextId),
    checkReadiness: async () => {
      if (liveCalls.isDraining) throw new AppError('draining');
      await storage.ping(READY_WITHIN_MS);
    },
  };
}

/** A queued call needs no slot now, but a process that stops takes nothing on. */
function refuseWhileDraining(liveCalls: LiveCalls): void {
  if (liveCalls.isDraining) throw new AppError('draining', { retryAfterSeconds: 5 });
}
