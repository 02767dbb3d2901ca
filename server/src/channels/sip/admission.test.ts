import { expect, test } from 'vitest';
import { sourceOf } from './admission.ts';

test('failures are counted for an IPv4 address, and for the /64 of an IPv6 one', () => {
  const sources = ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '2001:db8::1'].map(
    sourceOf,
  );

  expect(sources).toEqual(['192.0.2.1', '192.0.2.1', '2001:db8:1:2::/64', '2001:db8:1:2::/64', '2001:db8:0:0::/64']);
});
