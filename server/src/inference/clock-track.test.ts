import { expect, test } from 'vitest';
import { ClockTrack } from './clock-track.ts';

test('a position within a push is counted back from its end', () => {
  const track = new ClockTrack(8_000);
  track.note(160, 1_020);
  track.note(160, 1_040);

  expect(track.clockAt(160)).toBe(1_020);
  expect(track.clockAt(256)).toBe(1_032);
  expect(track.clockAt(320)).toBe(1_040);
  expect(track.end).toBe(320);
});

test('audio that came late did not come before the push ahead of it', () => {
  const track = new ClockTrack(8_000);
  track.note(160, 1_020);
  track.note(1_600, 1_100);

  expect(track.clockAt(200)).toBe(1_020);
  expect(track.clockAt(1_760)).toBe(1_100);
});

test('after a hole the time jumps with the audio', () => {
  const track = new ClockTrack(8_000);
  track.note(160, 1_020);
  track.note(160, 4_020);

  expect(track.clockAt(160)).toBe(1_020);
  expect(track.clockAt(161)).toBeCloseTo(4_000, 0);
});

test('pushes of single samples are kept for as long as longer ones', () => {
  const track = new ClockTrack(8_000);
  for (let sample = 1; sample <= 8_000; sample++) track.note(1, sample / 8);

  expect(track.clockAt(8_000)).toBe(1_000);
  expect(track.clockAt(8_000 - 5_000)).toBe(375);
});

test('a position older than all that is remembered is counted back from the oldest', () => {
  const track = new ClockTrack(8_000);
  for (let push = 1; push <= 100; push++) track.note(160, push * 20);

  expect(track.clockAt(160)).toBe(20);
});
