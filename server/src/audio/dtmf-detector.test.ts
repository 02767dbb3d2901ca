import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concat, mix, sine, whiteNoise } from '../../test/signals/signals.ts';
import { DtmfDetector } from './dtmf-detector.ts';
import { DTMF_COLUMNS_HZ, DTMF_KEYS, DTMF_ROWS_HZ, type DtmfToneOptions, dtmfTones } from './dtmf-tones.ts';
import { readWav } from './wav.ts';

const RATE = 8_000;
const ms = (milliseconds: number): number => (milliseconds * RATE) / 1_000;

describe('keys', () => {
  test.each([8_000, 16_000])('all sixteen, in order, at %i Hz', (sampleRate) => {
    expect(new DtmfDetector(sampleRate).push(dtmfTones(DTMF_KEYS, { sampleRate }))).toBe('123A456B789C*0#D');
  });

  test('the shortest tone and pause of Q.24, 40 ms each, at any moment', () => {
    for (let delay = 0; delay < 60; delay += 7) {
      const tones = concat(new Int16Array(delay), tonesOf('1590*', { toneMs: 40, gapMs: 40 }));
      expect(new DtmfDetector(RATE).push(tones)).toBe('1590*');
    }
  });

  test('a tone of 23 ms is too short to be a key', () => {
    for (let delay = 0; delay < 60; delay += 7) {
      const tones = concat(new Int16Array(delay), tonesOf('1590*', { toneMs: 23, gapMs: 60 }));
      expect(new DtmfDetector(RATE).push(tones)).toBe('');
    }
  });

  test('the same key twice is told twice, held down for seconds once', () => {
    expect(detect('55')).toBe('55');
    expect(detect('5', { toneMs: 3_000 })).toBe('5');
  });

  test('a break of 10 ms within a tone does not double the key', () => {
    expect(new DtmfDetector(RATE).push(concat(tonesOf('8', { gapMs: 10 }), tonesOf('8')))).toBe('8');
  });

  test('chunks of any length give the same keys', () => {
    const tones = tonesOf('0123456789');
    const detector = new DtmfDetector(RATE);
    let digits = '';
    for (let at = 0; at < tones.length; at += 37) digits += detector.push(tones.subarray(at, at + 37));

    expect(digits).toBe('0123456789');
  });

  test('after a reset the same tone is a new key', () => {
    const detector = new DtmfDetector(RATE);
    const tone = tonesOf('7', { toneMs: 200, gapMs: 0 });

    expect(detector.push(tone)).toBe('7');
    expect(detector.push(tone)).toBe('');
    detector.reset();
    expect(detector.push(tone)).toBe('7');
  });
});

describe('levels and twist', () => {
  test.each([-4, -20, -36])('both tones at %i dBFS', (db) => {
    expect(detect('159D', { lowDb: db, highDb: db })).toBe('159D');
  });

  test('below the weakest level there is no key', () => {
    expect(detect('159D', { lowDb: -50, highDb: -50 })).toBe('');
  });

  test.each([
    [-12, -8, '159D'],
    [-8, -16, '159D'],
    [-20, -8, ''],
    [-8, -22, ''],
  ])('low tone %i dB, high tone %i dB: "%s"', (lowDb, highDb, digits) => {
    expect(detect('159D', { lowDb, highDb })).toBe(digits);
  });
});

describe('frequencies', () => {
  test.each([-1.5, 1.5])('%d %% off is still a key', (percent) => {
    expect(new DtmfDetector(RATE).push(detuned(percent))).toBe('D');
  });

  test.each([-3.5, 3.5])('%d %% off is none', (percent) => {
    expect(new DtmfDetector(RATE).push(detuned(percent))).toBe('');
  });
});

describe('what is no key', () => {
  test('a key in noise 15 dB below it is found; the noise alone gives nothing', () => {
    const noise = whiteNoise(RATE * 5, 2_500);

    expect(new DtmfDetector(RATE).push(mix(noise, tonesOf('1234567890*#')))).toBe('1234567890*#');
    expect(new DtmfDetector(RATE).push(whiteNoise(RATE * 30, 20_000, 7))).toBe('');
  });

  test.each([
    ['dial tone', 350, 440],
    ['ringback', 440, 480],
    ['busy', 480, 620],
    ['a row alone', 697, 697],
    ['a column alone', 1_336, 1_336],
    ['two rows', 697, 852],
  ])('%s', (_, lowHz, highHz) => {
    expect(new DtmfDetector(RATE).push(mix(sine(lowHz, RATE, RATE, 9_000), sine(highHz, RATE, RATE, 9_000)))).toBe('');
  });

  test.each(['rms', 'slt'])('speech, the voice %s; a key pressed while it speaks is found', (voice) => {
    const speech = readWav(readFileSync(new URL(`../../test/fixtures/speech-${voice}.wav`, import.meta.url))).samples;
    expect(new DtmfDetector(RATE).push(speech)).toBe('');

    const quieter = speech.map((sample) => sample / 8);
    const keyed = mix(quieter, concat(new Int16Array(RATE), tonesOf('42', { toneMs: 200, gapMs: 100 })));
    expect(new DtmfDetector(RATE).push(keyed)).toBe('42');
  });

  test('a voice-like sound, whose harmonics wander over all keys', () => {
    const voice = Int16Array.from({ length: RATE * 20 }, (_, index) => {
      const seconds = index / RATE;
      const turn = 2 * Math.PI * (150 * seconds + 12 * Math.sin(2 * seconds));
      return 2_500 * (Math.sin(4 * turn) + Math.sin(5 * turn) + Math.sin(8 * turn) + Math.sin(9 * turn));
    });

    expect(new DtmfDetector(RATE).push(voice)).toBe('');
  });
});

describe('tones', () => {
  test('lower-case letters are keys, others are refused', () => {
    expect(tonesOf('a')).toEqual(tonesOf('A'));
    expect(() => tonesOf('12x')).toThrow('A telephone has no key "X"');
    expect(() => tonesOf(' ')).toThrow(RangeError);
  });

  test('a digit takes its tone and its gap', () => {
    expect(tonesOf('12', { toneMs: 70, gapMs: 30 }).length).toBe(1_600);
    expect(tonesOf('').length).toBe(0);
  });
});

function tonesOf(digits: string, options: Partial<DtmfToneOptions> = {}): Int16Array {
  return dtmfTones(digits, { sampleRate: RATE, ...options });
}

function detect(digits: string, options: Partial<DtmfToneOptions> = {}): string {
  return new DtmfDetector(RATE).push(tonesOf(digits, options));
}

/** Key D, both tones off by so many percent. */
function detuned(percent: number): Int16Array {
  const factor = 1 + percent / 100;
  return mix(
    sine(DTMF_ROWS_HZ[3] * factor, RATE, ms(100), 9_000),
    sine(DTMF_COLUMNS_HZ[3] * factor, RATE, ms(100), 9_000),
  );
}
