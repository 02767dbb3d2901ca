import type { CallContext } from '../core/call/call-context.ts';
import { maskNumber } from '../core/call/caller-number.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { FieldValues } from '../core/form/field.ts';
import { listedNumber } from '../core/number-list/number-list.ts';
import type { AuditLog } from '../core/ports/audit-log.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { NumberListRepository } from '../core/ports/number-list-repository.ts';
import { checkNumber } from './check-number.ts';

/** RFC 3261, 19.1.1, without parameters and headers: those would steer the call elsewhere. */
const SIP_URI = /^sips?:([^\s@:;?<>"]{1,64})@[A-Za-z0-9.[\]:-]{1,255}$/i;
const NAME = /^[^+\d]/;

export type TransferTargetParts = {
  readonly numberLists: Pick<NumberListRepository, 'has'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly log: EventLog;
};

/**
 * The target of a transfer as it is dialled: E.164 over a carrier, an extension too on a PBX, a SIP URI too over SIP. The rules for
 * the number of a placed call hold, and what guards refuse is audited, without the number.
 * @throws AppError number_refused, do_not_call saying why; the number is not part of it.
 */
export async function checkTransferTarget(
  parts: TransferTargetParts,
  context: CallContext,
  to: string,
  settings: FieldValues,
): Promise<string> {
  try {
    const target = dialledTarget(context, to, settings);
    await requireUnlisted(parts, context, target);
    return target;
  } catch (error) {
    if (error instanceof AppError) await auditRefusal(parts, context, to, error);
    throw error;
  }
}

function dialledTarget({ channel, direction, ...context }: CallContext, to: string, settings: FieldValues): string {
  const uri = channel === 'sip' ? SIP_URI.exec(to.trim()) : null;
  const user = uri?.[1] ?? to;
  // Our own number tells the country that a number without one is of.
  const from = direction === 'inbound' ? context.to : context.from;
  try {
    // A name in a SIP URI is no number: there is nothing to check.
    if (uri && NAME.test(user)) return to.trim();
    const number = checkNumber({ channel, to: user, from, settings });
    return uri ? to.trim() : number;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const detail = (error.detail ?? '').replace(/^toNumber: /, '');
    throw new AppError(error.code, { detail: `the target of the transfer: ${detail}`, cause: error });
  }
}

/**
 * Who is on the project's list is not dialled, by a SIP URI neither. A list that cannot be read keeps nobody: the caller is on the
 * line, and the target is one that the administrator has named.
 */
async function requireUnlisted(
  { numberLists, log }: TransferTargetParts,
  { contextId, projectId }: CallContext,
  target: string,
): Promise<void> {
  const user = SIP_URI.exec(target)?.[1] ?? target;
  const isListed = await numberLists.has(projectId, 'do_not_call', listedNumber(user)).catch((error: unknown) => {
    log.warn('transfer.list_unread', { contextId, code: toAppError(error).code });
    return false;
  });
  if (isListed) {
    throw new AppError('do_not_call', { detail: 'the target of the transfer: it is on the do-not-call list' });
  }
}

async function auditRefusal(
  { audit, log }: TransferTargetParts,
  { contextId, projectId, assistantId }: CallContext,
  to: string,
  { code, detail: reason = '' }: AppError,
): Promise<void> {
  const refusal = { code, to: maskNumber(to), reason };
  log.warn('transfer.refused', { contextId, assistantId, ...refusal });
  await audit
    .append({ projectId, apiKeyId: null, action: 'transfer.refused', subject: assistantId, detail: refusal })
    .catch((cause: unknown) => {
      log.warn('change.not_announced', { action: 'transfer.refused', subject: assistantId, reason: String(cause) });
    });
}
