import { describe, expect, test } from 'vitest';
import { isIpv6 } from './grammar.ts';
import { parseNameAddress, printNameAddress } from './name-address.ts';
import { isSameUri, parseSipUri, printSipUri, redactUri, type SipUri, withoutPassword } from './sip-uri.ts';

describe('SIP URIs', () => {
  test.each([
    [
      'sip:2000:rpd-Key@pbx.example.com:5090',
      { user: '2000', password: 'rpd-Key', host: 'pbx.example.com', port: 5090 },
    ],
    ['sips:[2001:db8::1]:5061;transport=tls', { scheme: 'sips', host: '2001:db8::1', port: 5061 }],
    ['SIP:+1555@192.0.2.1;user=phone', { scheme: 'sip', user: '+1555', host: '192.0.2.1' }],
    ['sip:*98#@host', { user: '*98#', host: 'host' }],
    ['sip:a%20b@host?Subject=x', { user: 'a b', headers: 'Subject=x' }],
  ])('%s is read', (text, expected) => {
    expect(parseSipUri(text)).toMatchObject(expected);
  });

  test.each([
    'sip:',
    'sip:@host',
    'sip:a b@host',
    'sip:a@host:99999',
    'sip:a@[::1',
    'sip:a@1:2:3',
    'sip:a@host;;lr',
    'tel:+1',
    'sip:a@b@c',
    'sip:%4@host',
  ])('%j is refused', (text) => {
    expect(parseSipUri(text)).toBeUndefined();
  });

  test('printing escapes what a user may not hold', () => {
    const uri: SipUri = { scheme: 'sip', user: 'a b@é', host: '::1', port: 5060, params: new Map([['lr', null]]) };

    expect(printSipUri(uri)).toBe('sip:a%20b%40%C3%A9@[::1]:5060;lr');
    expect(parseSipUri(printSipUri(uri))).toEqual(uri);
  });

  test('a password is gone from what is logged or echoed', () => {
    const log = 'INVITE sip:2000:rpd-Secret@host;x=1 from "A" <sips:9:p%40ss@[::1]>';

    expect(redactUri(log)).toBe('INVITE sip:2000:***@host;x=1 from "A" <sips:9:***@[::1]>');
    expect(printSipUri(withoutPassword(parseSipUri('sip:2000:rpd-Secret@host') as SipUri))).toBe('sip:2000@host');
  });

  test('a port is no password', () => {
    expect(redactUri('sip:host:5060;user=a and sip:[2001:db8::1]:5060')).toBe(
      'sip:host:5060;user=a and sip:[2001:db8::1]:5060',
    );
  });

  test.each([
    ['sip:alice@AtLanTa.CoM;Transport=tcp', 'sip:alice@atlanta.com;transport=TCP', true],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5', true],
    ['sip:ALICE@a.com', 'sip:alice@a.com', false],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060', false],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp', false],
  ])('19.1.4: %s and %s are the same: %s', (a, b, same) => {
    expect(isSameUri(parseSipUri(a) as SipUri, parseSipUri(b) as SipUri)).toBe(same);
  });

  test.each([
    ['::', true],
    ['::1', true],
    ['1::', true],
    ['2001:db8::192.0.2.1', true],
    ['1:2:3:4:5:6:7:8', true],
    ['1:2:3:4:5:6:7', false],
    ['1::2::3', false],
    ['12345::', false],
    ['::192.0.2.256', false],
    ['', false],
    ['1:2:3:4:5:6:7::8', false],
  ])('%j is an IPv6 address: %s', (text, expected) => {
    expect(isIpv6(text)).toBe(expected);
  });
});

describe('name-addr', () => {
  test('parameters without brackets belong to the header, inside brackets to the URI', () => {
    expect(parseNameAddress('sip:a@b;tag=1')).toEqual({ uri: 'sip:a@b', params: new Map([['tag', '1']]) });
    expect(parseNameAddress('<sip:a@b;tag=1>')).toEqual({ uri: 'sip:a@b;tag=1', params: new Map() });
  });

  test('a bracket inside a quoted name opens nothing', () => {
    expect(parseNameAddress('"a <b> \\" c" <sip:a@b>')?.displayName).toBe('a <b> " c');
  });

  test('printing always writes brackets and quotes', () => {
    expect(printNameAddress({ displayName: 'A "B"', uri: 'sip:a@b;lr', params: new Map([['tag', 'x']]) })).toBe(
      '"A \\"B\\"" <sip:a@b;lr>;tag=x',
    );
  });
});
