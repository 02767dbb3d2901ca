import type { Channel } from '../core/ports/channel.ts';
import type { AsteriskParts } from './asterisk/asterisk.ts';
import { createAsterisk } from './asterisk/asterisk.ts';

export type ChannelParts = AsteriskParts;

/** The list: a new channel is a folder and a line here. */
export function createChannels(parts: ChannelParts): readonly Channel[] {
  return [createAsterisk(parts)];
}
