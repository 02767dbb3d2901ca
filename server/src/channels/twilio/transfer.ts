import type { CallContext } from '../../core/call/call-context.ts';
import type { TransferFailure } from '../../core/call/transfer.ts';
import type { CallTransfer, TransferOrder, TransferOutcome } from '../../core/ports/call-transfer.ts';
import type { CallChange, WebhookRequest } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { mediaLegEnded } from '../media-leg-ended.ts';
import { wasNeverSent } from '../was-never-sent.ts';
import { askTwilio, TWILIO_API, type TwilioAnswer } from './twilio-api.ts';
import { escapeXml } from './twiml.ts';

const E164 = /^\+[1-9]\d{6,14}$/;
/** Twilio ends our stream by itself once it took the new document; a close of ours before that would end the call. */
const STREAM_ENDS_WITHIN_MS = 3_000;

/**
 * Hands calls over by a new document for the call in progress ("Call resource: update", "TwiML: Dial"): Twilio dials and asks the
 * action URL what is to follow when the dialled call is over.
 */
export function twilioTransfer({ clock }: { readonly clock: Clock }, baseUrl = TWILIO_API): CallTransfer {
  return {
    objection: ({ context, credential, publicHost }) => {
      if (publicHost === null) return 'PUBLIC_ASSISTANT_HOST is not set, so Twilio could not tell how it went';
      if (credential === null) return 'there is no Twilio account for the call';
      return context.providerCallId === null ? 'the call has no CallSid' : null;
    },
    transfer: async (order, signal) => {
      if (signal.aborted) return failed('cancelled', 'the caller hung up');
      const outcome = await redirect(order, signal, baseUrl);
      if (outcome.type === 'handed_over') await mediaLegEnded(signal, clock, STREAM_ENDS_WITHIN_MS);
      return outcome;
    },
  };
}

/** The document that dials; the target and all else in it escaped. */
export function transferTwiml({ context, to, ringTimeoutSeconds, publicHost }: TransferOrder): string {
  const action = `https://${publicHost ?? ''}/v1/talk/twilio/ctx/${context.contextId}/event`;
  const caller = shownNumber(context);
  const callerId = caller === null ? '' : ` callerId="${escapeXml(caller)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Dial action="${escapeXml(action)}" method="POST" timeout="${ringTimeoutSeconds}"${callerId}>
    <Number>${escapeXml(to)}</Number>
  </Dial>
</Response>
`;
}

/** The answer to an action URL after which nothing follows. */
export const HANG_UP_TWIML = '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Hangup/></Response>\n';

const FAILURES: ReadonlyMap<string, TransferFailure | null> = new Map([
  ['completed', null],
  ['answered', null],
  ['busy', 'busy'],
  ['no-answer', 'no_answer'],
  ['failed', 'unreachable'],
  ['canceled', 'cancelled'],
]);

/** What Twilio tells the action URL ("TwiML: Dial", DialCallStatus); null for any other callback. */
export function readDialResult({ parameters }: WebhookRequest): CallChange | null {
  const { DialCallStatus, CallStatus } = parameters;
  if (DialCallStatus === undefined) return null;
  const failure = FAILURES.get(DialCallStatus);
  // Whoever hung up while it rang is not asked back: the call itself is over then.
  return {
    type: 'transfer_over',
    failed: failure === undefined ? 'unreachable' : failure,
    isCallerWaiting: CallStatus === 'in-progress',
  };
}

/** The number that rings there shows: Twilio lets an inbound caller's through, else one of the account. */
function shownNumber({ direction, from, to }: CallContext): string | null {
  const candidates = direction === 'inbound' ? [from, to] : [from];
  return candidates.find((number) => number !== null && E164.test(number)) ?? null;
}

async function redirect(order: TransferOrder, signal: AbortSignal, baseUrl: string): Promise<TransferOutcome> {
  const { credential, context } = order;
  if (credential === null) return failed('unreachable', 'there is no Twilio account for the call');
  const path = `/Calls/${encodeURIComponent(context.providerCallId ?? '')}.json`;
  const form: readonly (readonly [string, string])[] = [['Twiml', transferTwiml(order)]];
  let answer: TwilioAnswer;
  try {
    // Not aborted by the signal: the stream ends, and aborts it, because Twilio has taken the request.
    answer = await askTwilio(credential, { method: 'POST', path, form, baseUrl }, new AbortController().signal);
  } catch (error) {
    return wasNeverSent(error) ? failed('unreachable', 'Twilio is not reached') : unknown(signal, 'no answer');
  }
  const { status, body } = answer;
  if (status === 200) return { type: 'handed_over' };
  if (status >= 500) return unknown(signal, `status ${status}`);
  // 21220: the call is not in progress, so its caller is gone. Twilio's words may hold the number; its code says the same.
  const reason = status === 404 || body['code'] === 21_220 ? 'cancelled' : 'unreachable';
  return failed(reason, `Twilio answered ${status}, error ${String(body['code'] ?? 'unknown')}`);
}

/** Whether Twilio took a request that it did not answer shows in our stream: it ends then. */
function unknown(signal: AbortSignal, why: string): TransferOutcome {
  return signal.aborted ? { type: 'handed_over' } : failed('unreachable', `Twilio: ${why}`);
}

function failed(reason: TransferFailure, detail: string): TransferOutcome {
  return { type: 'failed', reason, detail };
}
