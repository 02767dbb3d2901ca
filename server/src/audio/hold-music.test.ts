import { describe, expect, test } from 'vitest';
import { HOLD_MUSIC_MS, HoldMusic } from './hold-music.ts';

describe('the music a caller hears who waits', () => {
  test.each([8_000, 16_000, 48_000])(
    'at %i Hz: 19.2 s, quieter than a voice and never silent for a second',
    (sampleRate) => {
      const loop = new HoldMusic().loop(sampleRate);

      expect(HOLD_MUSIC_MS).toBe(19_200);
      expect(loop).toHaveLength(19.2 * sampleRate);
      // -20 dBFS
      expect(Math.max(...peaks(loop, sampleRate))).toBe(3_277);
      expect(Math.min(...peaks(loop, sampleRate))).toBeGreaterThan(500);
    },
  );

  test('its end leads into its beginning: no step there is larger than the music itself makes', () => {
    const loop = new HoldMusic().loop(8_000);

    const seam = Math.abs((loop[0] ?? 0) - (loop.at(-1) ?? 0));

    expect(seam).toBeLessThanOrEqual(largestStep(loop));
    expect(seam).toBeLessThan(600);
  });

  test('it is made once for a rate', () => {
    const music = new HoldMusic();

    expect(music.loop(8_000)).toBe(music.loop(8_000));
    expect(music.loop(16_000)).not.toBe(music.loop(8_000));
  });
});

/** Of each second. */
function peaks(samples: Int16Array, sampleRate: number): number[] {
  const found: number[] = [];
  for (let at = 0; at + sampleRate <= samples.length; at += sampleRate) {
    found.push(samples.subarray(at, at + sampleRate).reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  }
  return found;
}

function largestStep(samples: Int16Array): number {
  let most = 0;
  for (let at = 1; at < samples.length; at++)
    most = Math.max(most, Math.abs((samples[at] ?? 0) - (samples[at - 1] ?? 0)));
  return most;
}
