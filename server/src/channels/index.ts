import type { Channel } from '../core/ports/channel.ts';
import type { AsteriskParts } from './asterisk/asterisk.ts';
import { createAsterisk } from './asterisk/asterisk.ts';
import { createExotel } from './exotel/exotel.ts';
import { createTwilio } from './twilio/twilio.ts';
import { createVonage } from './vonage/vonage.ts';

export type ChannelParts = AsteriskParts;

/** The list: a new channel is a folder and a line here. */
export function createChannels(parts: ChannelParts): readonly Channel[] {
  return [createTwilio(parts), createVonage(parts), createExotel(parts), createAsterisk(parts)];
}
