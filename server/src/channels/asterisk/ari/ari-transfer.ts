import type { OpenCredential } from '../../../core/credential/credential.ts';
import { toAppError } from '../../../core/errors.ts';
import type { CallTransfer, TransferOrder, TransferOutcome } from '../../../core/ports/call-transfer.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Random } from '../../../core/ports/random.ts';
import type { OriginateRequest } from './ari-client.ts';
import type { AriLink } from './ari-link.ts';
import type { AriLinks } from './ari-links.ts';
import { dialSettings } from './dial-settings.ts';
import { dialEndpoint } from './endpoint.ts';
import { channelObjection } from './named-channel.ts';
import { TargetWatch } from './target-watch.ts';

export type AriTransferParts = { readonly links: AriLinks; readonly clock: Clock; readonly random: Random };

const DEFAULT_CONTEXT = 'rapida-transfer';
const EXTENSION = 's';
/** Of events: without them nobody could tell how the transfer went. */
const OPEN_LIMIT_MS = 3_000;
const ASK_LIMIT_MS = 10_000;

/**
 * Hands a caller over inside Asterisk. The other side is dialled while the caller stays with us; once it answers, the dialplan's
 * `Bridge()` takes the caller's channel out of AudioSocket() or Dial() and joins the two, which ends our media leg. So nothing has
 * to be undone when nobody answers, and it is the same for every transport (seen with Asterisk 22.10).
 */
export function ariTransfer(parts: AriTransferParts): CallTransfer {
  return { objection: channelObjection, transfer: (order, signal) => transfer(parts, order, signal) };
}

async function transfer(parts: AriTransferParts, order: TransferOrder, signal: AbortSignal): Promise<TransferOutcome> {
  const { credential, context } = order;
  const reason = channelObjection(order);
  if (credential === null || context.providerCallId === null) return unreachable(reason ?? '');
  const link = parts.links.open(credential);
  try {
    await link.whenOpen(OPEN_LIMIT_MS);
    const caller = await link.client.channel(context.providerCallId, AbortSignal.timeout(ASK_LIMIT_MS));
    if (caller === null) return unreachable('Asterisk does not have the caller any more');
    const targetId = `rapida-transfer-${parts.random.uuid()}`;
    const request = { channelId: targetId, ...requestOf(order, credential, caller.name) };
    return await dial(parts, { link, order, callerId: caller.id, request }, signal);
  } catch (error) {
    const { detail, message } = toAppError(error);
    return unreachable(detail ?? message);
  }
}

type Dialling = {
  readonly link: AriLink;
  readonly order: TransferOrder;
  readonly callerId: string;
  readonly request: OriginateRequest;
};

async function dial(parts: AriTransferParts, dialling: Dialling, signal: AbortSignal): Promise<TransferOutcome> {
  const { link, request, callerId, order } = dialling;
  if (signal.aborted) return { type: 'failed', reason: 'cancelled', detail: 'it was taken back' };
  const watch = new TargetWatch({
    link,
    clock: parts.clock,
    targetId: request.channelId,
    callerId,
    ringTimeoutMs: order.ringTimeoutSeconds * 1_000,
  });
  const takeBack = () => void watch.takeBack();
  signal.addEventListener('abort', takeBack);
  try {
    await link.client.originate(request, AbortSignal.timeout(ASK_LIMIT_MS)).catch((error: unknown) => {
      // Asterisk said no, or may have placed it: then it is not to ring on.
      watch.hangUp();
      throw error;
    });
    if (signal.aborted) takeBack();
    return await watch.outcome;
  } finally {
    signal.removeEventListener('abort', takeBack);
    watch.stop();
  }
}

function requestOf(order: TransferOrder, credential: OpenCredential, callerChannel: string) {
  const { settings, context, to, ringTimeoutSeconds } = order;
  const template = textOr(settings['transfer_endpoint'], '');
  return {
    endpoint: dialEndpoint(to, { ...dialSettings(credential), ...(template && { endpoint_template: template }) }),
    context: textOr(settings['transfer_context'], DEFAULT_CONTEXT),
    extension: EXTENSION,
    callerId: context.direction === 'inbound' ? context.from : context.to,
    ringSeconds: ringTimeoutSeconds,
    variables: { RAPIDA_CALLER_CHANNEL: callerChannel, RAPIDA_CONTEXT_ID: context.contextId },
  };
}

function unreachable(detail: string): TransferOutcome {
  return { type: 'failed', reason: 'unreachable', detail };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
