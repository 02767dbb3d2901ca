import type { Channel } from '../../core/ports/channel.ts';
import { sipCredentialSchema, sipSettingsSchema } from './credential-schema.ts';
import { sipDialer } from './dialer.ts';
import type { SipCalls } from './ports.ts';
import { openSipServer, type SipServer, type SipServerParts } from './sip-server.ts';

export type SipParts = Omit<SipServerParts, 'calls'> & Pick<SipCalls, 'open' | 'carryOn'>;

/** Calls over our own SIP server: any phone or PBX, without a carrier. */
export function createSip({ open, carryOn, ...parts }: SipParts): Channel {
  let server: SipServer | null = null;
  const hasTls = parts.settings.tls !== null;
  return {
    name: 'sip',
    credentialSchema: sipCredentialSchema,
    settingsSchema: sipSettingsSchema,
    transfer: {
      objection: (order) => (server === null ? 'the SIP port is not open' : server.transfers.objection(order)),
      transfer: async (order, signal) =>
        server === null
          ? { type: 'failed', reason: 'unreachable', detail: 'the SIP port is not open' }
          : await server.transfers.transfer(order, signal),
    },
    dialer: sipDialer({ server: () => server, hasTls, random: parts.random }),
    listen: async (control) => {
      server = await openSipServer({
        ...parts,
        calls: {
          open,
          carryOn,
          attach: (contextId, media) => control.attachMedia({ contextId, channel: 'sip', media }),
          end: (contextId, reason) => control.endCall(contextId, reason),
        },
      });
      return server;
    },
  };
}
