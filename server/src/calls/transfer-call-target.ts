import type { CallContext } from '../core/call/call-context.ts';
import { AppError } from '../core/errors.ts';
import type { FieldValues } from '../core/form/field.ts';
import { checkNumber } from './check-number.ts';

/** RFC 3261, 19.1.1, without parameters and headers: those would steer the call elsewhere. */
const SIP_URI = /^sips?:([^\s@:;?<>"]{1,64})@[A-Za-z0-9.[\]:-]{1,255}$/i;
const NAME = /^[^+\d]/;

/**
 * The target of a transfer as it is dialled: E.164 over a carrier, an extension too on a PBX, a SIP URI too over SIP. The rules for
 * the number of a placed call hold.
 * @throws AppError number_refused saying why; the number is not part of it.
 */
export function checkTransferTarget(context: CallContext, to: string, settings: FieldValues): string {
  const { channel, direction } = context;
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
