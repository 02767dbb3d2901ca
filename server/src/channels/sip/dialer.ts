import type { Dialer, DialOrder, DialOutcome } from '../../core/ports/dialer.ts';
import type { Random } from '../../core/ports/random.ts';
import { type Route, SIP_USER, trunkRoute } from './outbound-route.ts';
import type { SipServer } from './sip-server.ts';

export type SipDialerParts = {
  /** Null before the SIP port is open. */
  readonly server: () => SipServer | null;
  readonly hasTls: boolean;
  readonly random: Random;
};

const NOT_OPEN: DialOutcome = {
  type: 'refused',
  isRetryable: true,
  retryAfterSeconds: null,
  detail: 'the SIP port is not open yet',
};

/** It may register in a moment, or be registered with another process, which then takes the call. */
const NOBODY: DialOutcome = {
  ...NOT_OPEN,
  detail: 'no phone of this name is registered with this server, and the line has no trunk',
};

/**
 * Places calls by INVITE: to a phone that has registered for the assistant, else over the trunk. Signalling and media are our own,
 * so an answer cannot be lost, and a call belongs to the process that placed it.
 */
export function sipDialer({ server, hasTls, random }: SipDialerParts): Dialer {
  const routeOf = (order: DialOrder, open: SipServer): Route | null => {
    const phone = open.phoneRoute(order);
    if (phone || order.credential.text('host') === null) return phone;
    return trunkRoute(order.credential, order, (count) => random.bytes(count));
  };
  return {
    spacingMs: 0,
    needsNoAccount: true,
    objection: ({ to, from, credential }) => {
      if (!SIP_USER.test(to)) return 'toNumber: a SIP address takes digits, letters and + * # . _ - only';
      if (from !== null && !SIP_USER.test(from)) return 'fromNumber: digits, letters and + * # . _ - only';
      if (credential.text('transport') === 'tls' && !hasTls)
        return 'the trunk is called over TLS: set SIP__TLS_CERT and SIP__TLS_KEY';
      return null;
    },
    dial: async (order, signal) => {
      const open = server();
      if (open === null) return NOT_OPEN;
      const route = routeOf(order, open);
      return route === null ? NOBODY : await open.outbound.dial(order, route, signal);
    },
    find: async ({ contextId }) => server()?.outbound.find(contextId) ?? [],
    hangUp: async (_credential, providerCallId) => server()?.outbound.hangUp(providerCallId),
    ended: (contextId) => server()?.outbound.ended(contextId),
  };
}
