import { describe, expect, test } from 'vitest';
import { checkNumber } from './check-number.ts';

const check = (to: string, over: Partial<Parameters<typeof checkNumber>[0]> = {}) =>
  checkNumber({ channel: 'twilio', to, from: '+14155550100', settings: {}, ...over });

describe('over the public network', () => {
  test.each([
    ['+1 415 555 2671', '+14155552671'],
    ['(415) 555-2671', '+14155552671'],
  ])('%s is dialled as %s', (to, dialled) => {
    expect(check(to)).toBe(dialled);
  });

  test.each([
    ['911', 'emergency'],
    ['112', 'emergency'],
    ['+112', 'emergency'],
    ['+1 900 234 5678', 'premium rate'],
    ['+44 909 879 0123', 'premium rate'],
    ['+8816 1234 5678', 'satellites'],
    ['+1 555', 'E.164'],
    ['1000', 'E.164'],
    ['not a number', 'E.164'],
  ])('%s is refused: %s', (to, why) => {
    expect(() => check(to)).toThrow(why);
  });

  test('a refusal does not repeat the number', () => {
    expect(() => check('+19002345678')).not.toThrow('900');
  });

  test('only the country of the calling number, unless others are allowed', () => {
    expect(() => check('+44 20 7946 0958')).toThrow('without allowed_countries it calls US only');
    expect(() => check('+1 604 681 1111')).toThrow('may not call CA');
    expect(check('+44 20 7946 0958', { settings: { allowed_countries: ['*'] } })).toBe('+442079460958');
    expect(check('+44 20 7946 0958', { from: null })).toBe('+442079460958');
  });

  test('only countries that are allowed', () => {
    const settings = { allowed_countries: ['DE', 'AT'] };

    expect(check('+49 30 901820', { settings })).toBe('+4930901820');
    expect(() => check('+14155552671', { settings })).toThrow('may not call US');
  });
});

describe('over a PBX', () => {
  test.each(['100', '1001', '*43', 'alice', '2671'])('the extension %s is dialled as it is', (to) => {
    expect(check(to, { channel: 'asterisk', from: null })).toBe(to);
  });

  test.each(['4929581702563917', '9007199254740991', 'reception.second-floor_berlin', 'x'.repeat(64)])(
    'so is the name %s: an assistant, a user of SIP',
    (to) => {
      expect(check(to, { channel: 'asterisk', from: null })).toBe(to);
      expect(check(to, { channel: 'sip' })).toBe(to);
      expect(() => check(to)).toThrow('E.164');
    },
  );

  test.each(['911', '+19002345678', 'a b', 'PJSIP/x&y', 'x'.repeat(65)])('%s is refused', (to) => {
    expect(() => check(to, { channel: 'asterisk', from: null })).toThrow('toNumber');
  });

  test.each([
    ['0044 20 7946 0958'.replaceAll(' ', ''), 'may not call GB'],
    ['01144 20 7946 0958'.replaceAll(' ', ''), 'may not call GB'],
    ['0044 909 879 0123'.replaceAll(' ', ''), 'premium rate'],
    ['00881612345678', 'satellites'],
  ])('a number abroad that is dialled by its prefix, %s, is judged as one', (to, why) => {
    const settings = { allowed_countries: ['DE'] };

    expect(() => check(to, { channel: 'asterisk', from: null, settings })).toThrow(why);
    expect(() => check(to, { channel: 'sip', from: '+4930901820', settings })).toThrow(why);
  });

  test('and dialled as it was written where that is allowed', () => {
    expect(check('004930901820', { channel: 'sip', settings: { allowed_countries: ['DE'] } })).toBe('004930901820');
  });
});
