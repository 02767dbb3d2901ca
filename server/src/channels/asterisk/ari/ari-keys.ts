import { AppError } from '../../../core/errors.ts';
import type { CarrierKeys, KeyLine } from '../../../core/ports/carrier-keys.ts';
import type { Random } from '../../../core/ports/random.ts';
import type { AriLink } from './ari-link.ts';
import type { AriLinks } from './ari-links.ts';
import { channelObjection } from './named-channel.ts';

export type AriKeysParts = { readonly links: AriLinks; readonly random: Random };

const CONTEXT = 'rapida-digits';
const OPEN_LIMIT_MS = 3_000;
const ASK_LIMIT_MS = 10_000;
/** SendDTMF() holds a key for 100 ms and pauses for 250 ms. */
const KEY_MS = 350;
const GRACE_MS = 5_000;
const NORMAL_CLEARING = 16;

/**
 * Keys on a channel that is in the dialplan: ARI's own `dtmf` refuses those (409 "Channel not in Stasis application", seen with
 * 22.10), so the dialplan's SendDTMF() is run for it on a channel of its own, which ends when they are sent.
 */
export function ariKeys(parts: AriKeysParts): CarrierKeys {
  return { objection: channelObjection, send: (line, digits, signal) => send(parts, line, digits, signal) };
}

async function send(parts: AriKeysParts, line: KeyLine, digits: string, signal: AbortSignal): Promise<void> {
  const { context, credential } = line;
  const reason = channelObjection(line);
  if (credential === null || context.providerCallId === null) {
    throw new AppError('carrier_failed', { detail: reason ?? '' });
  }
  const link = parts.links.open(credential);
  await link.whenOpen(OPEN_LIMIT_MS);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT_MS)]);
  const channel = await link.client.channel(context.providerCallId, limit);
  if (channel === null) throw new AppError('carrier_failed', { detail: 'Asterisk does not have this call any more' });
  const channelId = `rapida-digits-${parts.random.uuid()}`;
  const over = causeOf(link, channelId, AbortSignal.any([signal, AbortSignal.timeout(timeOf(digits))]));
  const request = {
    channelId,
    endpoint: `Local/s@${CONTEXT}/n`,
    context: CONTEXT,
    extension: 's',
    callerId: null,
    ringSeconds: Math.ceil(timeOf(digits) / 1_000),
    variables: { RAPIDA_DIGITS: digits, RAPIDA_CHANNEL: channel.name },
  };
  await Promise.all([over, link.client.originate(request, limit)]);
  if ((await over) !== NORMAL_CLEARING) {
    throw new AppError('carrier_failed', { detail: `the dialplan has no context ${CONTEXT}` });
  }
}

function timeOf(digits: string): number {
  return digits.length * KEY_MS + GRACE_MS;
}

/** Why the channel ended, once it has. */
function causeOf(link: AriLink, channelId: string, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const unsubscribe = link.subscribe({
    event: (event) => {
      if (event.type === 'destroyed' && event.channelId === channelId) resolve(event.cause);
    },
    opened: () => {},
  });
  const stop = () => reject(new AppError('carrier_failed', { detail: 'Asterisk did not say that the keys were sent' }));
  signal.addEventListener('abort', stop);
  return promise.finally(() => {
    unsubscribe();
    signal.removeEventListener('abort', stop);
  });
}
