import { expect, test } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import { UnnamedSockets } from './unnamed-sockets.ts';

test('sixteen of an address are let in at a time, and others still are', () => {
  const clock = new FakeClock();
  const sockets = new UnnamedSockets(clock);

  const first = Array.from({ length: 17 }, () => sockets.admit('192.0.2.1'));
  const other = sockets.admit('192.0.2.2');
  clock.advance(10_000);

  expect(first.filter(Boolean)).toHaveLength(16);
  expect(other).toBe(true);
  expect(sockets.admit('192.0.2.1')).toBe(true);
});

test('no more than 256 in all', () => {
  const sockets = new UnnamedSockets(new FakeClock());

  const admitted = Array.from({ length: 300 }, (_, index) => sockets.admit(`192.0.2.${index}`));

  expect(admitted.filter(Boolean)).toHaveLength(256);
});
