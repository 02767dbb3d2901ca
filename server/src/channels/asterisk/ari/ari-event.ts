/** Asterisk's own words for how a dial attempt goes (docs.asterisk.org, "Asterisk REST Data Models", Dial). */
export type DialStatus = string;

/**
 * What we read of the event stream of Asterisk's REST interface; everything else is left out.
 * Source: docs.asterisk.org "Asterisk REST Data Models"; seen with Asterisk 22.10.
 */
export type AriEvent =
  /** Of the channel that is dialled. `status` is RINGING, PROGRESS, ANSWER, BUSY, CONGESTION, NOANSWER …; empty at the start. */
  | { readonly type: 'dial'; readonly channelId: string; readonly status: DialStatus }
  /** Down, Ring, Ringing, Up, Busy … */
  | { readonly type: 'state'; readonly channelId: string; readonly state: string }
  /** `cause` as in Q.850; 0: none was given. */
  | { readonly type: 'destroyed'; readonly channelId: string; readonly cause: number }
  /** The phone at this channel put the call on hold, or took it up again. */
  | { readonly type: 'hold'; readonly channelId: string; readonly isHeld: boolean }
  | { readonly type: 'entered_bridge'; readonly channelId: string; readonly inBridge: readonly string[] };

/** Their names in ARI: all we let it send, as it would tell every dialplan step of every channel. */
export const ARI_EVENT_TYPES = [
  'Dial',
  'ChannelStateChange',
  'ChannelDestroyed',
  'ChannelEnteredBridge',
  'ChannelHold',
  'ChannelUnhold',
] as const;

/** Null for an event that tells us nothing, and for what is none. */
export function parseAriEvent(text: string): AriEvent | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(json)) return null;
  const channelId = idOf(json['type'] === 'Dial' ? json['peer'] : json['channel']);
  if (channelId === null) return null;
  switch (json['type']) {
    case 'Dial':
      return { type: 'dial', channelId, status: textOf(json['dialstatus']) };
    case 'ChannelStateChange':
      return { type: 'state', channelId, state: isObject(json['channel']) ? textOf(json['channel']['state']) : '' };
    case 'ChannelDestroyed':
      return { type: 'destroyed', channelId, cause: typeof json['cause'] === 'number' ? json['cause'] : 0 };
    case 'ChannelEnteredBridge':
      return { type: 'entered_bridge', channelId, inBridge: channelsOf(json['bridge']) };
    case 'ChannelHold':
    case 'ChannelUnhold':
      return { type: 'hold', channelId, isHeld: json['type'] === 'ChannelHold' };
    default:
      return null;
  }
}

function idOf(channel: unknown): string | null {
  const id = isObject(channel) ? channel['id'] : null;
  return typeof id === 'string' && id !== '' ? id : null;
}

function channelsOf(bridge: unknown): readonly string[] {
  const channels = isObject(bridge) ? bridge['channels'] : null;
  return Array.isArray(channels) ? channels.filter((id) => typeof id === 'string') : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
