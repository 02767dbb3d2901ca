import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { ContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallChange, Channel } from '../core/ports/channel.ts';
import type { DeploymentRepository } from '../core/ports/deployment-repository.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { OutboundRepository } from '../core/ports/outbound-repository.ts';
import type { ProjectLines } from './project-lines.ts';

export type WatchCarrierParts = {
  readonly calls: Pick<CallRepository, 'find' | 'setStatus'>;
  readonly outbound: Pick<OutboundRepository, 'placedOver'>;
  readonly deployments: Pick<DeploymentRepository, 'enabledOn'>;
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Lets a channel follow its calls at the carrier: whose they are is read, what it tells is written. */
export function watchCarrier(parts: WatchCarrierParts, channel: Channel): Disposable | null {
  const { name } = channel;
  return (
    channel.watch?.({
      accounts: () => accountsOf(parts, name),
      unanswered: (accounts) => parts.outbound.placedOver(accounts),
      report: async (accounts, contextId, change) => {
        const context = await parts.calls.find(contextId);
        const isTheirs = context?.credentialId !== null && context?.channel === name;
        if (isTheirs && accounts.includes(context.credentialId)) await apply(parts, context, change);
      },
    }) ?? null
  );
}

async function accountsOf({ deployments, lines }: WatchCarrierParts, name: Channel['name']) {
  const enabled = await deployments.enabledOn(name);
  const wanted = new Set(enabled.map(({ credentialId }) => credentialId));
  const projects = await Promise.all(
    [...new Set(enabled.map((each) => each.projectId))].map((id) => lines.ofProject(id)),
  );
  return projects.flatMap(({ credentials }) => credentials.filter(({ id }) => wanted.has(id)));
}

async function apply(parts: WatchCarrierParts, context: CallContext, change: CallChange): Promise<void> {
  const { contextId, channel, claimedBy } = context;
  parts.log.info('carrier.event', { channel, contextId, name: change.type });
  parts.metrics.count('carrier_events_total', { channel, known: 'true' });
  switch (change.type) {
    case 'ringing':
      await parts.calls.setStatus(contextId, 'ringing');
      return;
    case 'answered':
      await parts.calls.setStatus(contextId, 'live');
      return;
    case 'ended':
      return await parts.endCall(contextId, endOf(change.reason, claimedBy !== null));
    case 'transfer_over':
      return;
  }
}

/** Who has talked to us was answered, whatever was missed of it; who never did was not, even if the phone was picked up. */
function endOf(reason: EndReason, hasTalked: boolean): EndReason {
  if (hasTalked) return 'caller_hung_up';
  return reason === 'caller_hung_up' ? 'never_connected' : reason;
}
