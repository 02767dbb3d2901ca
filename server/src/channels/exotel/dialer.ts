import type { OpenCredential } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';
import type { Dialer, DialOrder, DialOutcome } from '../../core/ports/dialer.ts';
import { wasNeverSent } from '../was-never-sent.ts';
import { askExotel, type ExotelAnswer, expectExotel } from './exotel-api.ts';

/** The Voice API takes 200 requests a minute from an account. */
const SPACING_MS = 300;
const E164 = /^\+[1-9]\d{6,14}$/;
/** An ExoPhone as the console prints it: with country, or with the leading zero of India. */
const EXOPHONE = /^(\+[1-9]|0)\d{6,14}$/;
/** Exotel "Outgoing call to connect number to a call flow": TimeLimit. */
const LONGEST_CALL_SECONDS = 14_400;
const CLOCK_SKEW_MS = 60_000;
/** Exotel's list knows a call once it is over; one that nobody took has been over for this long at most. */
const LISTED_AFTER_MS = 60_000;

export type ExotelDialerParts = {
  /** Https and the credential's `subdomain` when left out. */
  readonly baseUrl?: string;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
};

/**
 * Places calls over Exotel's Voice v1 API ("connect number to a call flow"), into the flow `app_id` of the credential, or
 * straight to the stream where there is none. It knows no idempotency key and lists no call that goes on, so after a lost
 * answer the call is waited for until it must be over, and only then the list is believed.
 */
export function exotelDialer(parts: ExotelDialerParts): Dialer {
  return {
    spacingMs: SPACING_MS,
    objection: ({ to, from, publicHost }) => {
      if (publicHost === null) return 'PUBLIC_ASSISTANT_HOST is not set, so Exotel could not bring the audio';
      if (!E164.test(to)) return 'toNumber: write it as + country and number (E.164)';
      if (from === null || !EXOPHONE.test(from)) {
        return 'fromNumber: Exotel calls from an ExoPhone of the account; put it on the deployment or into fromNumber';
      }
      return null;
    },
    dial: (order, signal) => dial(order, parts, signal),
    find: (order, placedAfter, signal) => find(order, placedAfter, parts, signal),
    hangUp: async () => {
      throw new AppError('carrier_failed', {
        detail:
          'Exotel takes no hang-up over REST: a call that rings rings until its time is up, and is not served when it is answered',
      });
    },
  };
}

async function dial(order: DialOrder, { baseUrl }: ExotelDialerParts, signal: AbortSignal): Promise<DialOutcome> {
  let answer: ExotelAnswer;
  try {
    const request = { method: 'POST', path: '/Calls/connect.json', form: callForm(order), baseUrl } as const;
    answer = await askExotel(order.credential, request, signal);
  } catch (error) {
    return outcomeWithoutAnswer(error);
  }
  const { status, body, retryAfterSeconds } = answer;
  const sid = (body['Call'] as { Sid?: unknown } | undefined)?.Sid;
  if (status === 200 && typeof sid === 'string') return { type: 'placed', providerCallId: sid };
  // Exotel's words may hold the number, so only the status is kept.
  const detail = `Exotel answered ${status}`;
  if (status === 429 || status === 503) return { type: 'refused', isRetryable: true, retryAfterSeconds, detail };
  if (status >= 500 || status === 200) return { type: 'unknown', detail };
  return { type: 'refused', isRetryable: false, retryAfterSeconds: null, detail: `${detail}${hintOf(status)}` };
}

function hintOf(status: number): string {
  if (status === 401) return ': it refused api_key or api_secret';
  if (status === 402) return ': the account has no credit';
  if (status === 403) return ': the account may not place this call (KYC, do-not-disturb list or trial account)';
  return '';
}

function callForm(order: DialOrder): readonly (readonly [string, string])[] {
  const { contextId, to, from, ringTimeoutSeconds, maxDurationSeconds } = order;
  const host = order.publicHost ?? '';
  return [
    ['From', to],
    ['CallerId', from ?? ''],
    ...destination(order.credential, `wss://${host}/v1/talk/exotel/ctx/${contextId}`),
    ['CallType', 'trans'],
    ['TimeOut', String(ringTimeoutSeconds)],
    ['TimeLimit', String(Math.min(maxDurationSeconds, LONGEST_CALL_SECONDS))],
    ['StatusCallback', `https://${host}/v1/talk/exotel/ctx/${contextId}/event`],
    ['StatusCallbackEvents[0]', 'terminal'],
    ['StatusCallbackEvents[1]', 'answered'],
    ['StatusCallbackContentType', 'application/json'],
    // The flow's applet hands it back when it asks where the audio goes.
    ['CustomField', contextId],
  ];
}

/** The flow that begins once the callee answers, else the stream itself. */
function destination(credential: OpenCredential, streamUrl: string): readonly (readonly [string, string])[] {
  const appId = credential.text('app_id');
  const account = encodeURIComponent(credential.text('account_sid') ?? '');
  if (appId === null) {
    return [
      ['StreamUrl', streamUrl],
      ['StreamType', 'bidirectional'],
    ];
  }
  return [['Url', `http://my.exotel.com/${account}/exoml/start_voice/${encodeURIComponent(appId)}`]];
}

async function find(
  order: DialOrder,
  placedAfter: Date,
  { baseUrl, nowMs }: ExotelDialerParts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const query = new URLSearchParams({ From: order.to, Direction: 'outbound-api', PageSize: '100' });
  const request = { method: 'GET', path: `/Calls.json?${query}`, baseUrl } as const;
  const { status, body } = await expectExotel(order.credential, request, signal);
  const { Calls: calls } = body;
  if (status !== 200 || !Array.isArray(calls)) {
    throw new AppError('carrier_failed', { detail: `looking for the call: Exotel answered ${status}` });
  }
  const ids = (calls as readonly ListedCall[]).flatMap(({ Sid, DateCreated }) =>
    typeof Sid === 'string' && mayBeFrom(String(DateCreated), placedAfter.getTime(), nowMs()) ? [Sid] : [],
  );
  const isOverMs = placedAfter.getTime() + order.ringTimeoutSeconds * 1_000 + LISTED_AFTER_MS;
  if (ids.length === 0 && nowMs() < isOverMs) {
    throw new AppError('carrier_failed', { detail: 'Exotel lists a call only once it is over; it may still ring' });
  }
  return ids;
}

type ListedCall = { readonly Sid?: unknown; readonly DateCreated?: unknown };

/** Times of the list carry no zone: the account's, which is one of these (UTC, India, Singapore). */
const ZONES = ['Z', '+05:30', '+08:00'];

function mayBeFrom(created: string, placedAfterMs: number, nowMs: number): boolean {
  return ZONES.some((zone) => {
    const at = Date.parse(`${created.trim().replace(' ', 'T')}${zone}`);
    return at >= placedAfterMs - CLOCK_SKEW_MS && at <= nowMs + CLOCK_SKEW_MS;
  });
}

function outcomeWithoutAnswer(error: unknown): DialOutcome {
  return wasNeverSent(error)
    ? { type: 'refused', isRetryable: true, retryAfterSeconds: null, detail: 'Exotel is not reached' }
    : { type: 'unknown', detail: 'Exotel did not answer' };
}
