import type { CallContext } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import type { FieldValues } from '../core/form/field.ts';
import type { CallTransfer } from '../core/ports/call-transfer.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { ProjectLines } from './project-lines.ts';

export type TransferLineParts = {
  readonly channels: readonly Channel[];
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly publicHost: string | null;
  readonly log: EventLog;
};

const RING_SECONDS = 30;

/** A call whose caller can be handed over, and what that takes. */
export type TransferLine = {
  readonly context: CallContext;
  readonly transfer: CallTransfer;
  readonly credential: OpenCredential | null;
  readonly settings: FieldValues;
  readonly publicHost: string | null;
};

/** Whether callers of this call can be handed over now; null when they cannot. Never throws: a call without it is still a call. */
export async function transferLineOf(parts: TransferLineParts, context: CallContext): Promise<TransferLine | null> {
  const { channel, contextId } = context;
  const transfer = parts.channels.find(({ name }) => name === channel)?.transfer;
  if (!transfer) return null;
  try {
    const line = { context, transfer, publicHost: parts.publicHost, ...(await accountOf(parts, context)) };
    const objection = transfer.objection(line);
    if (objection === null) return line;
    parts.log.debug('transfer.not_offered', { contextId, channel, reason: objection });
  } catch (error) {
    parts.log.warn('transfer.not_offered', { contextId, channel, reason: String(error) });
  }
  return null;
}

/**
 * The call's own deployment and account. A call that was let in by an API key may have none: then it is the assistant's only
 * deployment on the channel, and the project's only account of the carrier.
 */
async function accountOf(
  { lines }: TransferLineParts,
  { projectId, assistantId, credentialId, deploymentId, channel }: CallContext,
): Promise<Pick<TransferLine, 'credential' | 'settings'>> {
  const { credentials, deployments } = await lines.ofProject(projectId);
  const deployment =
    deploymentId === null
      ? only(
          deployments.filter((each) => each.isEnabled && each.assistantId === assistantId && each.channel === channel),
        )
      : deployments.find(({ id }) => id === deploymentId);
  const accountId = credentialId ?? deployment?.credentialId ?? null;
  const credential =
    accountId === null
      ? only(credentials.filter(({ provider }) => provider === channel))
      : credentials.find(({ id }) => id === accountId);
  return { credential: credential ?? null, settings: deployment?.settings ?? {} };
}

function only<Value>(values: readonly Value[]): Value | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** How long it rings at the other side, by a deployment's settings. */
export function ringSecondsOf(settings: FieldValues): number {
  const seconds = settings['transfer_ring_seconds'];
  return typeof seconds === 'number' ? seconds : RING_SECONDS;
}
