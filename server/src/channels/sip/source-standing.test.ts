import { expect, test } from 'vitest';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { SourceStanding, sourceOf } from './source-standing.ts';

const PBX = '192.0.2.1';

function standing() {
  const clock = new FakeClock();
  const sources = new SourceStanding(() => clock.nowMs());
  const fail = (times: number, isProven: boolean) => {
    for (let time = 0; time < times; time++) sources.failed(PBX, isProven);
  };
  return { clock, sources, fail };
}

test('failures are counted for an IPv4 address, and for the /64 of an IPv6 one', () => {
  const sources = ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '2001:db8::1'].map(
    sourceOf,
  );

  expect(sources).toEqual(['192.0.2.1', '192.0.2.1', '2001:db8:1:2::/64', '2001:db8:1:2::/64', '2001:db8:0:0::/64']);
});

test('what anybody could have sent in its name counts for nothing', () => {
  const { sources, fail } = standing();

  fail(100, false);
  expect(sources.patience(PBX)).toBe('challenge');
  fail(5, true);
  expect(sources.patience(PBX)).toBe('refuse');
  fail(15, true);
  expect(sources.patience(PBX)).toBe('ignore');
});

test('who proved to be somebody is not locked out by one wrong password beside the right ones', () => {
  const { sources, fail } = standing();

  sources.succeeded(PBX);
  fail(100, true);

  expect([sources.isTrusted(PBX), sources.patience(PBX)]).toEqual([true, 'challenge']);
});

test('trust ends ten minutes after the last proof', () => {
  const { clock, sources } = standing();
  sources.succeeded(PBX);

  clock.advance(599_999);
  const before = sources.isTrusted(PBX);
  clock.advance(1);

  expect([before, sources.isTrusted(PBX)]).toEqual([true, false]);
});
