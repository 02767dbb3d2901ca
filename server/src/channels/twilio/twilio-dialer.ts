import { AppError } from '../../core/errors.ts';
import type { Dialer, DialOrder, DialOutcome } from '../../core/ports/dialer.ts';
import { wasNeverSent } from '../was-never-sent.ts';
import { askTwilio, TWILIO_API, type TwilioAnswer } from './twilio-api.ts';
import { connectStreamTwiml } from './twiml.ts';

/** An account places one call a second unless Twilio allowed it more; the rest would wait in Twilio's queue. */
const SPACING_MS = 1_000;
const E164 = /^\+[1-9]\d{6,14}$/;
const CALLER = /^(\+[1-9]\d{6,14}|sip:\S+|client:\S+)$/i;
const PROGRESS = ['initiated', 'ringing', 'answered', 'completed'];
/** Twilio's clock and ours may differ by this much. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Places calls over Twilio's REST API ("Call resource"). It knows no idempotency key, so an answer that was lost is followed
 * by a look at the list of calls, never by a second try.
 */
export function twilioDialer(baseUrl = TWILIO_API): Dialer {
  return {
    spacingMs: SPACING_MS,
    objection: ({ to, from, publicHost }) => {
      if (publicHost === null) return 'PUBLIC_ASSISTANT_HOST is not set, so Twilio could not bring the audio';
      if (!E164.test(to)) return 'toNumber: Twilio takes + country and number (E.164)';
      if (from === null || !CALLER.test(from))
        return 'fromNumber: Twilio takes a number of the account as + country and number';
      return null;
    },
    dial: (order, signal) => dial(order, baseUrl, signal),
    find: (order, placedAfter, signal) => find(order, placedAfter, baseUrl, signal),
    hangUp: async (credential, callSid, signal) => {
      const path = `/Calls/${encodeURIComponent(callSid)}.json`;
      const hangUp = async (status: string) =>
        (await askTwilio(credential, { method: 'POST', path, form: [['Status', status]], baseUrl }, signal)).status;
      // "canceled" takes queued and ringing calls only, "completed" all others too.
      const status = await hangUp('completed').catch((cause: unknown) => {
        throw new AppError('carrier_failed', { detail: 'Twilio does not answer', cause });
      });
      if (status !== 200 && status !== 404 && status !== 400) {
        throw new AppError('carrier_failed', { detail: `hanging up: Twilio answered ${status}` });
      }
    },
  };
}

async function dial(order: DialOrder, baseUrl: string, signal: AbortSignal): Promise<DialOutcome> {
  let answer: TwilioAnswer;
  try {
    const form = callForm(order);
    answer = await askTwilio(order.credential, { method: 'POST', path: '/Calls.json', form, baseUrl }, signal);
  } catch (error) {
    return outcomeWithoutAnswer(error);
  }
  const { status, body } = answer;
  const sid = body['sid'];
  if (status === 201 && typeof sid === 'string') return { type: 'placed', providerCallId: sid };
  if (status === 429 || status === 503) {
    const detail = `Twilio answered ${status}`;
    return { type: 'refused', isRetryable: true, retryAfterSeconds: answer.retryAfterSeconds, detail };
  }
  if (status >= 500 || status === 201) return { type: 'unknown', detail: `Twilio answered ${status}` };
  // Twilio's words may hold the number; its code says the same (Twilio "Error and warning dictionary").
  const detail = `Twilio refused the call: ${status}, error ${String(body['code'] ?? 'unknown')}`;
  return { type: 'refused', isRetryable: false, retryAfterSeconds: null, detail };
}

function callForm(order: DialOrder): readonly (readonly [string, string])[] {
  const { contextId, publicHost, to, from, ringTimeoutSeconds, maxDurationSeconds } = order;
  const events = `https://${publicHost ?? ''}/v1/talk/twilio/ctx/${contextId}/event`;
  const detection: readonly (readonly [string, string])[] = order.hasMachineDetection
    ? [
        ['MachineDetection', 'Enable'],
        // The call is not held up for the verdict.
        ['AsyncAmd', 'true'],
        ['AsyncAmdStatusCallback', events],
        ['AsyncAmdStatusCallbackMethod', 'POST'],
      ]
    : [];
  return [
    ['To', to],
    ['From', from ?? ''],
    ['Twiml', connectStreamTwiml({ ...order, from: to }, publicHost ?? '')],
    ['Timeout', String(ringTimeoutSeconds)],
    ['TimeLimit', String(maxDurationSeconds)],
    ['StatusCallback', events],
    ['StatusCallbackMethod', 'POST'],
    ...PROGRESS.map((event) => ['StatusCallbackEvent', event] as const),
    ...detection,
  ];
}

async function find(
  order: DialOrder,
  placedAfter: Date,
  baseUrl: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const since = placedAfter.getTime() - CLOCK_SKEW_MS;
  const query = new URLSearchParams({
    To: order.to,
    From: order.from ?? '',
    'StartTime>': new Date(since).toISOString().slice(0, 10),
    PageSize: '50',
  });
  const answer = await askTwilio(
    order.credential,
    { method: 'GET', path: `/Calls.json?${query}`, baseUrl },
    signal,
  ).catch((cause: unknown) => {
    throw new AppError('carrier_failed', { detail: 'Twilio does not answer', cause });
  });
  const { calls } = answer.body;
  if (answer.status !== 200 || !Array.isArray(calls)) {
    throw new AppError('carrier_failed', { detail: `looking for the call: Twilio answered ${answer.status}` });
  }
  return calls.flatMap((call: Record<string, unknown>) => {
    const created = Date.parse(String(call['date_created'] ?? ''));
    const isOne = call['direction'] === 'outbound-api' && created >= since && typeof call['sid'] === 'string';
    return isOne ? [String(call['sid'])] : [];
  });
}

function outcomeWithoutAnswer(error: unknown): DialOutcome {
  return wasNeverSent(error)
    ? { type: 'refused', isRetryable: true, retryAfterSeconds: null, detail: 'Twilio is not reached' }
    : { type: 'unknown', detail: 'Twilio did not answer' };
}
