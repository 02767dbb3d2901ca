import { describe, expect, test } from 'vitest';
import { CONTEXT } from '../../test/fakes/call-world.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { checkTransferTarget } from './transfer-call-target.ts';

const on = (channel: ChannelName): CallContext => ({ ...CONTEXT, channel, from: '+4930123456', to: '+14155550100' });
const check = (channel: ChannelName, to: string, settings = {}) => checkTransferTarget(on(channel), to, settings);

describe('over a carrier', () => {
  test('a number becomes E.164, in the country of the number that was called', () => {
    expect(check('twilio', '+1 (415) 555-2671')).toBe('+14155552671');
    expect(check('vonage', '415 555 2671')).toBe('+14155552671');
    const outbound = { ...on('twilio'), direction: 'outbound' as const };
    expect(checkTransferTarget(outbound, '030 901820', {})).toBe('+4930901820');
  });

  test.each(['911', '+112', '+19005551234', '+881612345678', '200', 'reception', 'sip:anna@pbx.example'])(
    '%s is not dialled',
    (to) => {
      expect(() => check('twilio', to)).toThrow('the target of the transfer:');
    },
  );

  test('the deployment’s countries hold', () => {
    expect(() => check('twilio', '+14155552671', { allowed_countries: ['DE'] })).toThrow('may not call US');
  });

  test('what is wrong is said without the number', () => {
    expect(() => check('twilio', '+4915199999999999')).toThrow(/^(?!.*99999).*$/);
  });
});

describe('on a PBX', () => {
  test.each<[ChannelName, string]>([
    ['asterisk', '200'],
    ['asterisk', 'reception'],
    ['sip', '200'],
    ['sip', 'sip:anna@pbx.example'],
    ['sip', 'sips:200@10.0.0.1:5061'],
    ['sip', 'sip:+14155552671@trunk.example'],
  ])('%s: %s is dialled as it is', (channel, to) => {
    expect(check(channel, to)).toBe(to);
  });

  test.each<[ChannelName, string]>([
    ['asterisk', 'sip:anna@pbx.example'],
    ['sip', 'sip:112@pbx.example'],
    ['sip', 'sip:+19005551234@trunk.example'],
    ['sip', 'sip:anna@pbx.example;maddr=10.0.0.9'],
    ['sip', 'sip:anna@pbx.example?Replaces=x'],
    ['sip', 'sip:anna:secret@pbx.example'],
    ['sip', 'tel:200'],
  ])('%s: %s is not', (channel, to) => {
    expect(() => check(channel, to)).toThrow('the target of the transfer:');
  });
});
