import type { OpenCredential } from '../../../core/credential/credential.ts';
import { AppError } from '../../../core/errors.ts';
import type { Dialer, DialOrder, DialOutcome } from '../../../core/ports/dialer.ts';
import { wasNeverSent } from '../../was-never-sent.ts';
import { AriClient } from './ari-client.ts';
import { dialEndpoint } from './endpoint.ts';

/** Contexts of the manual's dialplans for calls that we originate. */
const CONTEXTS = { audiosocket: 'rapida-outbound', websocket: 'rapida-outbound-ws' } as const;
const DEFAULT_EXTENSION = 's';

/**
 * Places calls over Asterisk's REST interface. The channel id is made from the contextId, so asking twice for the same call
 * places it once as long as it rings or talks; whether it does can be asked, too.
 */
export const ariDialer: Dialer = {
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
    const channelId = channelIdOf(order);
    try {
      await clientOf(order.credential).originate(originateRequest(order, channelId), signal);
      return { type: 'placed', providerCallId: channelId };
    } catch (error) {
      return outcomeOf(error);
    }
  },
  find: async (order, _placedAfter, signal) => {
    const providerCallId = channelIdOf(order);
    return (await clientOf(order.credential).hasChannel(providerCallId, signal)) ? [providerCallId] : [];
  },
  hangUp: (credential, providerCallId, signal) => clientOf(credential).hangUp(providerCallId, 'normal', signal),
};

function channelIdOf({ contextId }: Pick<DialOrder, 'contextId'>): string {
  return `rapida-${contextId}`;
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

function dialSettings(credential: OpenCredential) {
  const technology = credential.text('endpoint_technology');
  const trunk = credential.text('trunk');
  const template = credential.text('endpoint_template');
  return {
    ...(technology && { endpoint_technology: technology }),
    ...(trunk && { trunk }),
    ...(template && { endpoint_template: template }),
  };
}

function clientOf(credential: OpenCredential): AriClient {
  return new AriClient({
    ari_url: credential.text('ari_url') ?? '',
    ari_user: credential.text('ari_user') ?? '',
    ari_password: credential.text('ari_password') ?? '',
  });
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
