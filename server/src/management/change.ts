import type { NewAuditEntry } from '../core/audit/audit-entry.ts';
import type { ApiKeyId, ProjectId } from '../core/ids.ts';
import type { AuditLog } from '../core/ports/audit-log.ts';
import type { BusMessage, EventBus } from '../core/ports/event-bus.ts';
import type { EventLog } from '../core/ports/event-log.ts';

/** Who changes something; the command line has no key. */
export type Actor = { readonly projectId: ProjectId; readonly apiKeyId: ApiKeyId | null };

export type ChangeParts = {
  readonly audit: Pick<AuditLog, 'append'>;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly log: EventLog;
};

type Change = Pick<NewAuditEntry, 'action' | 'subject'> & { readonly detail?: NewAuditEntry['detail'] };

/**
 * Writes down a change that was made and tells all nodes. Neither can undo the change, so a failure is logged: what nodes
 * remember is a minute old at most.
 */
export async function announceChange(
  { audit, bus, log }: ChangeParts,
  actor: Actor,
  { action, subject, detail = {} }: Change,
  message: BusMessage | null,
): Promise<void> {
  const failed = (error: unknown) => log.warn('change.not_announced', { action, subject, reason: String(error) });
  await Promise.all([
    message && bus.publish(message).catch(failed),
    audit.append({ ...actor, action, subject, detail }).catch(failed),
  ]);
  log.info('change.made', { action, subject, projectId: actor.projectId });
}
