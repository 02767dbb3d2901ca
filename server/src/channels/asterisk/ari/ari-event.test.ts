import { expect, test } from 'vitest';
import { type AriEvent, parseAriEvent } from './ari-event.ts';

/** As Asterisk 22.10 sent them, without what nobody reads. */
test.each<[string, object, AriEvent | null]>([
  [
    'a dialled channel that is busy',
    {
      type: 'Dial',
      dialstatus: 'BUSY',
      forward: '',
      dialstring: 'busy@callee',
      peer: { id: 'rapida-1', name: 'Local/x;1' },
    },
    { type: 'dial', channelId: 'rapida-1', status: 'BUSY' },
  ],
  [
    'a channel that rings',
    { type: 'ChannelStateChange', channel: { id: 'rapida-1', state: 'Ringing' } },
    { type: 'state', channelId: 'rapida-1', state: 'Ringing' },
  ],
  [
    'a channel that is gone, with its cause',
    {
      type: 'ChannelDestroyed',
      cause: 19,
      cause_txt: 'User alerting, no answer',
      tech_cause: 480,
      channel: { id: 'c' },
    },
    { type: 'destroyed', channelId: 'c', cause: 19 },
  ],
  [
    'a cause left out',
    { type: 'ChannelDestroyed', channel: { id: 'c' } },
    { type: 'destroyed', channelId: 'c', cause: 0 },
  ],
  [
    'a bridge with both sides in it',
    { type: 'ChannelEnteredBridge', channel: { id: 'b' }, bridge: { id: 'x', channels: ['a', 'b'] } },
    { type: 'entered_bridge', channelId: 'b', inBridge: ['a', 'b'] },
  ],
  [
    'a phone that holds the call',
    { type: 'ChannelHold', musicclass: 'default', channel: { id: 'c', state: 'Up' } },
    { type: 'hold', channelId: 'c', isHeld: true },
  ],
  [
    'a phone that takes it up again',
    { type: 'ChannelUnhold', channel: { id: 'c', state: 'Up' } },
    { type: 'hold', channelId: 'c', isHeld: false },
  ],
  ['what tells us nothing', { type: 'ChannelVarset', channel: { id: 'c' }, variable: 'X', value: '1' }, null],
  ['a dial without a channel', { type: 'Dial', dialstatus: 'BUSY' }, null],
])('%s is read', (_name, sent, read) => {
  expect(parseAriEvent(JSON.stringify(sent))).toEqual(read);
});

test.each(['', '{', '[]', 'null', '7', '{"type":7,"channel":{"id":7}}', '{"type":"Dial","peer":"x"}'])(
  '%j is no event',
  (text) => {
    expect(parseAriEvent(text)).toBeNull();
  },
);
