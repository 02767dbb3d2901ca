import { describe, expect, test } from 'vitest';
import { AdvertisedAddress, blockListOf, isListed, probeRoute } from './advertised-address.ts';

const LOCAL_NETS = ['127.0.0.0/8', '10.0.0.0/8', 'fc00::/7'];

function rules(externalIp: string | null, bindHost = '0.0.0.0') {
  const asked: string[] = [];
  const probe = async (remote: string) => {
    asked.push(remote);
    return '10.0.0.5';
  };
  return { asked, addresses: new AdvertisedAddress({ bindHost, externalIp, localNets: LOCAL_NETS }, probe) };
}

describe('the address a peer is told', () => {
  test('outside of the local nets: the external one, without a probe', async () => {
    const { addresses, asked } = rules('203.0.113.10');

    expect([await addresses.learn('198.51.100.7'), asked]).toEqual(['203.0.113.10', []]);
  });

  test('inside: the one that routes to the peer, asked once', async () => {
    const { addresses, asked } = rules('203.0.113.10');

    await addresses.learn('10.9.9.9');

    expect([await addresses.learn('::ffff:10.9.9.9'), asked]).toEqual(['10.0.0.5', ['10.9.9.9']]);
    expect(addresses.of('10.9.9.9', '0.0.0.0')).toBe('10.0.0.5');
  });

  test('outside without an external one: the one that routes', async () => {
    expect(await rules(null).addresses.learn('198.51.100.7')).toBe('10.0.0.5');
  });

  test('an IPv6 peer is never told an IPv4 address from the settings', async () => {
    const { addresses, asked } = rules('203.0.113.10', '192.0.2.1');

    await addresses.learn('2001:db8::7');

    expect(asked).toEqual(['2001:db8::7']);
  });

  test('bound to one address, that one', async () => {
    expect(await rules(null, '192.0.2.1').addresses.learn('10.9.9.9')).toBe('192.0.2.1');
  });

  test('a peer never met is told where its flow ends', () => {
    expect(rules(null).addresses.of('10.1.1.1', '::ffff:10.0.0.9')).toBe('10.0.0.9');
  });

  test('the system knows the route to loopback', async () => {
    expect(await probeRoute('127.0.0.1')).toBe('127.0.0.1');
  });
});

test('networks and addresses are read; what is neither lists nothing', () => {
  const list = blockListOf(['192.0.2.7', '198.51.100.0/24', '2001:db8::/32', 'nonsense', '10.0.0.0/99', '10.0.0.0/']);

  const listed = ['192.0.2.7', '192.0.2.8', '::ffff:198.51.100.9', '2001:db8::1', '10.0.0.1'].map((address) =>
    isListed(list, address),
  );

  expect(listed).toEqual([true, false, true, true, false]);
});
