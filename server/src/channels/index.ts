import type { Channel } from '../core/ports/channel.ts';
import type { Random } from '../core/ports/random.ts';
import type { AsteriskParts } from './asterisk/asterisk.ts';
import { createAsterisk } from './asterisk/asterisk.ts';
import { createExotel } from './exotel/exotel.ts';
import { createSip, type SipParts } from './sip/sip.ts';
import { createTwilio } from './twilio/twilio.ts';
import { createVonage } from './vonage/vonage.ts';

export type ChannelParts = AsteriskParts & {
  readonly sip: Omit<SipParts, 'clock' | 'random' | 'log' | 'metrics'>;
  readonly random: Random;
};

/** The list: a new channel is a folder and a line here. */
export function createChannels(parts: ChannelParts): readonly Channel[] {
  return [
    createTwilio(parts),
    createVonage(parts),
    createExotel(parts),
    createAsterisk(parts),
    createSip({ ...parts, ...parts.sip }),
  ];
}
