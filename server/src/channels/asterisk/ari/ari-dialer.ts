import { AppError } from '../../../core/errors.ts';
import type { Dialer, DialOrder, DialOutcome } from '../../../core/ports/dialer.ts';
import { wasNeverSent } from '../../was-never-sent.ts';
import type { AriLinks } from './ari-links.ts';
import { dialSettings } from './dial-settings.ts';
import { dialEndpoint } from './endpoint.ts';
import { channelIdOf } from './watch-calls.ts';

/** Contexts of the manual's dialplans for calls that we originate. */
const CONTEXTS = { audiosocket: 'rapida-outbound', websocket: 'rapida-outbound-ws' } as const;
const DEFAULT_EXTENSION = 's';
/** A call is placed all the same where events cannot be had: then its end is known by its time-out only. */
const EVENTS_WITHIN_MS = 1_500;

/**
 * Places calls over Asterisk's REST interface. The channel id is made from the contextId, so asking twice for the same call
 * places it once as long as it rings or talks; whether it does can be asked, too. Events are listened to first: a callee who is
 * busy is so within milliseconds.
 */
export function ariDialer(links: AriLinks): Dialer {
  return {
    spacingMs: 0,
    objection: ({ to, credential }) => {
      try {
        dialEndpoint(to, dialSettings(credential));
        return null;
      } catch (error) {
        return error instanceof AppError ? (error.detail ?? error.message) : 'the number cannot be dialled';
      }
    },
    dial: async (order, signal) => {
      const link = links.open(order.credential);
      const channelId = channelIdOf(order.contextId);
      try {
        const request = originateRequest(order, channelId);
        await link.whenOpen(EVENTS_WITHIN_MS).catch(() => undefined);
        await link.client.originate(request, signal);
        return { type: 'placed', providerCallId: channelId };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    find: async ({ contextId, credential }, _placedAfter, signal) => {
      const providerCallId = channelIdOf(contextId);
      return (await links.open(credential).client.channel(providerCallId, signal)) === null ? [] : [providerCallId];
    },
    hangUp: (credential, providerCallId, signal) =>
      links.open(credential).client.hangUp(providerCallId, 'normal', signal),
  };
}

function originateRequest(order: DialOrder, channelId: string) {
  const { settings, credential, to, from, ringTimeoutSeconds, contextId } = order;
  const transport = settings['transport'] === 'websocket' ? 'websocket' : 'audiosocket';
  return {
    channelId,
    endpoint: dialEndpoint(to, dialSettings(credential)),
    context: textOr(settings['context'], CONTEXTS[transport]),
    extension: textOr(settings['extension'], DEFAULT_EXTENSION),
    callerId: from,
    ringSeconds: ringTimeoutSeconds,
    variables: { RAPIDA_CONTEXT_ID: contextId },
  };
}

function outcomeOf(error: unknown): DialOutcome {
  const detail = error instanceof AppError ? (error.detail ?? error.message) : String(error);
  if (error instanceof AppError && error.cause === undefined) {
    // Asterisk said no: 500 is "Allocation failed", which a trunk that is busy may cause.
    return { type: 'refused', isRetryable: / 5\d\d /.test(` ${detail} `), retryAfterSeconds: null, detail };
  }
  if (wasNeverSent(error)) return { type: 'refused', isRetryable: true, retryAfterSeconds: null, detail };
  return { type: 'unknown', detail };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
