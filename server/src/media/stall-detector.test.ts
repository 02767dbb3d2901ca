import { describe, expect, test } from 'vitest';
import { StallDetector } from './stall-detector.ts';

/** Feeds caller audio at these times, a 20 ms frame each, while we send a frame every 20 ms; the times of proof come back. */
function proofs(arrivalsMs: number[], weSendAt: (ms: number) => boolean = () => true) {
  const detector = new StallDetector();
  const found: { atMs: number; from: number; to: number }[] = [];
  let frames = 0;
  let clockMs = 0;
  for (const atMs of arrivalsMs) {
    for (; clockMs < atMs; clockMs += 20) if (weSendAt(clockMs)) frames++;
    if (detector.audio(atMs, 20, frames * 160, frames)) {
      found.push({ atMs, from: detector.unheardFrom, to: detector.unheardTo });
    }
  }
  return found;
}

const every20 = (fromMs: number, count: number) => Array.from({ length: count }, (_, index) => fromMs + index * 20);
const atOnce = (atMs: number, count: number) => new Array<number>(count).fill(atMs);

describe('a hole in the caller audio', () => {
  test('followed by a burst of the same length is a peer that stood still', () => {
    const found = proofs([...every20(0, 50), ...atOnce(1480, 25), ...every20(1500, 20)]);

    // From the last frame at 980 ms to the burst at 1480 ms we sent 25 frames of 160 samples.
    expect(found).toEqual([{ atMs: 1480, from: 7840, to: 11_840 }]);
  });

  test('followed by audio in real time is a caller who pressed keys or was silent', () => {
    expect(proofs([...every20(0, 50), ...every20(1820, 100)])).toEqual([]);
  });

  test('followed by half of a burst proves nothing', () => {
    expect(proofs([...every20(0, 50), ...atOnce(1480, 13), ...every20(1500, 50)])).toEqual([]);
  });

  test('of our own making, in which we sent nothing either, is not the peer’s', () => {
    const weSleep = (ms: number) => ms < 980 || ms >= 1480;

    expect(proofs([...every20(0, 50), ...atOnce(1480, 25), ...every20(1500, 20)], weSleep)).toEqual([]);
  });

  test('as short as jitter is none', () => {
    expect(proofs([...every20(0, 50), ...atOnce(1100, 6), ...every20(1120, 20)])).toEqual([]);
  });

  test('each stall is found', () => {
    const found = proofs([...every20(0, 10), ...atOnce(400, 11), ...every20(420, 10), ...atOnce(900, 15)]);

    expect(found.map(({ atMs }) => atMs)).toEqual([400, 900]);
  });
});
