import { describe, expect, test } from 'vitest';
import { type TickMember, TickWheel } from './tick-wheel.ts';

const START_MS = 1000.4;

function wheel() {
  const turns: { lateMs: number; members: number }[] = [];
  return { turns, wheel: new TickWheel(START_MS, (lateMs, members) => turns.push({ lateMs, members })) };
}

class Member implements TickMember {
  readonly ticks: number[] = [];

  tick(nowMs: number): void {
    this.ticks.push(nowMs);
  }
}

describe('the tick wheel', () => {
  test('a member has its turn every 20 ms, and nothing drifts in an hour of late wake-ups', () => {
    const { wheel: subject } = wheel();
    const member = new Member();
    subject.add(member, START_MS);

    for (let nowMs = START_MS; nowMs < START_MS + 3_600_000; nowMs += 7.3) subject.advanceTo(nowMs);

    expect(member.ticks).toHaveLength(180_000);
  });

  test('the first turn comes within a millisecond where slots are free', () => {
    const { wheel: subject } = wheel();
    const member = new Member();

    subject.add(member, START_MS + 512.2);

    expect(subject.nextDueMs()).toBeCloseTo(START_MS + 513, 6);
    subject.advanceTo(START_MS + 513);
    expect(member.ticks).toHaveLength(1);
  });

  test('members spread over the slots: 40 of them are two in each millisecond', () => {
    const { wheel: subject, turns } = wheel();
    for (let count = 0; count < 40; count++) subject.add(new Member(), START_MS);

    for (let ms = 1; ms <= 20; ms++) subject.advanceTo(START_MS + ms);

    expect(turns.map((turn) => turn.members)).toEqual(new Array(20).fill(2));
  });

  test('up to 60 ms late, the turns that were missed are made up for', () => {
    const { wheel: subject } = wheel();
    const member = new Member();
    subject.add(member, START_MS);
    subject.advanceTo(START_MS + 1);

    subject.advanceTo(START_MS + 61);

    expect(member.ticks).toHaveLength(4);
    expect(subject.skips).toBe(0);
  });

  test('later than that they are skipped and counted, and the beat goes on', () => {
    const { wheel: subject } = wheel();
    const member = new Member();
    subject.add(member, START_MS);
    subject.advanceTo(START_MS + 1);

    subject.advanceTo(START_MS + 101);
    expect(member.ticks).toHaveLength(1);
    subject.advanceTo(START_MS + 121);

    expect(member.ticks).toHaveLength(2);
    expect(subject.skips).toBe(5);
  });

  test('lateness is told for each turn', () => {
    const { wheel: subject, turns } = wheel();
    subject.add(new Member(), START_MS);

    subject.advanceTo(START_MS + 4);

    expect(turns).toEqual([{ lateMs: expect.closeTo(3, 6), members: 1 }]);
  });

  test('a member may leave within its own turn, and an empty wheel has nothing due', () => {
    const { wheel: subject } = wheel();
    const stays = new Member();
    const leaves: TickMember = { tick: () => subject.remove(leaves) };
    for (let slot = 0; slot < 20; slot++) subject.add(slot === 0 ? leaves : new Member(), START_MS);
    subject.add(stays, START_MS);

    subject.advanceTo(START_MS + 1);

    expect(stays.ticks).toHaveLength(1);
    expect(subject.size).toBe(20);
    expect(new TickWheel(START_MS, () => {}).nextDueMs()).toBeNull();
  });

  test('after an idle hour nothing is made up for or counted', () => {
    const { wheel: subject, turns } = wheel();
    const member = new Member();

    subject.advanceTo(START_MS + 3_600_000);
    subject.add(member, START_MS + 3_600_000);
    subject.advanceTo(START_MS + 3_600_001);

    expect(turns).toHaveLength(1);
    expect(subject.skips).toBe(0);
  });
});
