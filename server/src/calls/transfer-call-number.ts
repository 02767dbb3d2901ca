import { AppError } from '../core/errors.ts';
import type { WebhookAnswer } from '../core/ports/channel.ts';
import type { TransferRepository } from '../core/ports/transfer-repository.ts';
import { type CarrierEvent, type CarrierEventParts, knowCarrierEvent } from './carrier-event.ts';
import { ringSecondsOf } from './transfer-call-line.ts';

export type TransferNumberParts = CarrierEventParts & {
  readonly transfers: Pick<TransferRepository, 'newestOf'>;
};

/**
 * A carrier whose call flow goes on after our media asks whom it is to dial: the target of a transfer under way, or nobody. Asked
 * again it hears the same. @throws AppError not_found where the channel knows no such question, wrong_signature, unauthenticated.
 */
export async function tellTransferNumber(parts: TransferNumberParts, event: CarrierEvent): Promise<WebhookAnswer> {
  const known = await knowCarrierEvent(parts, event);
  const tell = known?.webhook.tellTransferNumber;
  if (!known || !tell) throw new AppError('not_found', { detail: 'this carrier is not told numbers here' });
  const { context } = known;
  const transfer = context === null ? null : await parts.transfers.newestOf(context.contextId);
  if (context === null || transfer?.state !== 'dialling') return tell(null);
  const { deployments } = await parts.lines.ofProject(context.projectId);
  const { settings = {} } = deployments.find(({ id }) => id === context.deploymentId) ?? {};
  return tell({ context, to: transfer.to, ringTimeoutSeconds: ringSecondsOf(settings) });
}
