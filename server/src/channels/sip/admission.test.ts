import { expect, test } from 'vitest';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { FakeFlow, request } from '../../protocols/sip/fakes/wire.ts';
import { SipAdmission } from './admission.ts';
import { SourceStanding } from './source-standing.ts';

function doorkeeper() {
  const clock = new FakeClock();
  const nowMs = () => clock.nowMs();
  const standing = new SourceStanding(nowMs);
  const admission = new SipAdmission({ standing, nowMs });
  const admitted = (address: string, requests: number) => {
    const flow = new FakeFlow('UDP', `${address}:5060`);
    const verdicts = Array.from({ length: requests }, () => admission.judge(request('INVITE sip:100@192.0.2.1'), flow));
    return verdicts.filter((verdict) => verdict === 'admit').length;
  };
  return { clock, standing, admission, admitted };
}

test('a stranger may send 100 requests at once and 50 a second; another source has a budget of its own', () => {
  const { clock, admitted } = doorkeeper();

  expect(admitted('192.0.2.1', 150)).toBe(100);
  clock.advance(1_000);
  expect(admitted('192.0.2.1', 150)).toBe(50);
  expect(admitted('192.0.2.2', 1)).toBe(1);
});

test('a PBX that proved to be one sends 1000 a second', () => {
  const { clock, standing, admitted } = doorkeeper();
  admitted('192.0.2.1', 150);

  standing.succeeded('192.0.2.1');
  clock.advance(1_000);

  expect(admitted('192.0.2.1', 5_000)).toBe(1_000);
});

test('256 INVITEs that are being decided on are enough, whoever sends them', () => {
  const { admission, admitted } = doorkeeper();

  admission.pending = 256;

  expect(admitted('192.0.2.1', 1)).toBe(0);
});
