import { AppError } from '../../core/errors.ts';
import type { Dialer, DialOrder, DialOutcome } from '../../core/ports/dialer.ts';
import { wasNeverSent } from '../was-never-sent.ts';
import { connectWebsocketNcco } from './ncco.ts';
import { askVonage, VONAGE_API, type VonageAnswer } from './vonage-api.ts';

/** Vonage takes three new calls a second from an account. */
const SPACING_MS = 334;
const E164 = /^\+?[1-9]\d{6,14}$/;
/** Vonage "Voice API reference": ringing_timer and length_timer. */
const LONGEST_RINGING_SECONDS = 120;
const LONGEST_CALL_SECONDS = 7_200;
const CLOCK_SKEW_MS = 60_000;

/**
 * Places calls over Vonage's Voice API. It knows no idempotency key, so an answer that was lost is followed by a look at the
 * application's calls, never by a second try.
 */
export function vonageDialer(baseUrl = VONAGE_API): Dialer {
  return {
    spacingMs: SPACING_MS,
    objection: ({ to, from, publicHost }) => {
      if (publicHost === null) return 'PUBLIC_ASSISTANT_HOST is not set, so Vonage could not bring the audio';
      if (!E164.test(to)) return 'toNumber: Vonage takes country and number (E.164)';
      if (from === null || !E164.test(from)) return 'fromNumber: Vonage takes a number of the account';
      return null;
    },
    dial: (order, signal) => dial(order, baseUrl, signal),
    find: (order, placedAfter, signal) => find(order, placedAfter, baseUrl, signal),
    hangUp: async (credential, uuid, signal) => {
      const path = `/v1/calls/${encodeURIComponent(uuid)}`;
      const { status } = await askVonage(
        credential,
        { method: 'PUT', path, body: { action: 'hangup' }, baseUrl },
        signal,
      );
      // 400: it is over already.
      if (status !== 204 && status !== 200 && status !== 404 && status !== 400) {
        throw new AppError('carrier_failed', { detail: `hanging up: Vonage answered ${status}` });
      }
    },
  };
}

async function dial(order: DialOrder, baseUrl: string, signal: AbortSignal): Promise<DialOutcome> {
  let answer: VonageAnswer;
  try {
    const request = { method: 'POST', path: '/v1/calls', body: callBody(order), baseUrl };
    answer = await askVonage(order.credential, request, signal);
  } catch (error) {
    return outcomeWithoutAnswer(error);
  }
  const { status, body, retryAfterSeconds } = answer;
  const { uuid } = (body ?? {}) as { uuid?: unknown };
  if (status === 201 && typeof uuid === 'string') return { type: 'placed', providerCallId: uuid };
  const detail = `Vonage answered ${status}`;
  if (status === 429 || status === 503) return { type: 'refused', isRetryable: true, retryAfterSeconds, detail };
  if (status >= 500 || status === 201) return { type: 'unknown', detail };
  return { type: 'refused', isRetryable: false, retryAfterSeconds: null, detail };
}

function callBody(order: DialOrder): object {
  const publicHost = order.publicHost ?? '';
  return {
    to: [{ type: 'phone', number: digits(order.to) }],
    from: { type: 'phone', number: digits(order.from ?? '') },
    ncco: JSON.parse(connectWebsocketNcco(order, publicHost)),
    event_url: [`https://${publicHost}/v1/talk/vonage/ctx/${order.contextId}/event`],
    event_method: 'POST',
    ringing_timer: Math.min(order.ringTimeoutSeconds, LONGEST_RINGING_SECONDS),
    length_timer: Math.min(order.maxDurationSeconds, LONGEST_CALL_SECONDS),
    // The asynchronous kind: the callee is not kept waiting for the verdict, and we hang up ourselves.
    ...(order.hasMachineDetection && { advanced_machine_detection: { behavior: 'continue', mode: 'default' } }),
  };
}

async function find(
  order: DialOrder,
  placedAfter: Date,
  baseUrl: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const since = new Date(placedAfter.getTime() - CLOCK_SKEW_MS).toISOString();
  const query = new URLSearchParams({ date_start: since, page_size: '100', order: 'desc' });
  const { status, body } = await askVonage(
    order.credential,
    { method: 'GET', path: `/v1/calls?${query}`, baseUrl },
    signal,
  );
  const calls = (body as { _embedded?: { calls?: unknown } } | null)?._embedded?.calls;
  if (status !== 200 || !Array.isArray(calls)) {
    throw new AppError('carrier_failed', { detail: `looking for the call: Vonage answered ${status}` });
  }
  return calls.flatMap(({ uuid, direction, to }: ListedCall) => {
    const isOne = typeof uuid === 'string' && direction === 'outbound' && to?.number === digits(order.to);
    return isOne ? [uuid] : [];
  });
}

type ListedCall = {
  readonly uuid?: unknown;
  readonly direction?: unknown;
  readonly to?: { readonly number?: unknown };
};

function digits(number: string): string {
  return number.replace(/^\+/, '');
}

function outcomeWithoutAnswer(error: unknown): DialOutcome {
  const detail = error instanceof AppError ? (error.detail ?? error.message) : 'Vonage did not answer';
  // No cause: the token could not be made, so nothing was asked.
  const hasAsked = !(error instanceof AppError && error.cause === undefined);
  if (hasAsked && !wasNeverSent(error)) return { type: 'unknown', detail };
  return { type: 'refused', isRetryable: hasAsked, retryAfterSeconds: null, detail };
}
