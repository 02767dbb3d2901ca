import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { concat, mix, sine, whiteNoise } from '../../../test/signals/signals.ts';
import { dtmfTones } from '../../audio/dtmf-tones.ts';
import { levelDb } from '../../audio/level.ts';
import { readWav } from '../../audio/wav.ts';
import type { VoiceModel, VoiceStream } from '../../core/ports/voice-model.ts';
import { openVoiceModel } from './silero-model.ts';

const RATE = 8_000;
const WINDOW = 256;
const SIX_SECONDS = RATE * 6;
const VOICED = 0.5;
/** A window louder than this holds sound. */
const SOUND_DB = -45;

let model: VoiceModel;

beforeAll(async () => {
  model = await openVoiceModel();
});

describe('speech', () => {
  test.each(['rms', 'slt'])('the voice %s: nearly all that sounds is voiced, nothing before it is', async (voice) => {
    const speech = fixture(voice);
    const probabilities = await judge(speech);

    const sounding = probabilities.filter((_, index) => levelDb(windowAt(speech, index)) > SOUND_DB);
    expect(shareVoiced(sounding)).toBeGreaterThan(0.95);
    expect(shareVoiced(probabilities.slice(0, 20))).toBe(0);
  });

  test.each([20, 10])('with noise %i dB below it', async (snrDb) => {
    const speech = fixture('rms');
    const noise = whiteNoise(speech.length, 32_000);
    const gain = 10 ** ((levelDb(speech) - snrDb - levelDb(noise)) / 20);
    const probabilities = await judge(
      mix(
        speech,
        noise.map((sample) => sample * gain),
      ),
    );

    const sounding = probabilities.filter((_, index) => levelDb(windowAt(speech, index)) > -30);
    expect(shareVoiced(sounding)).toBeGreaterThan(0.8);
    expect(shareVoiced(probabilities.slice(0, 20))).toBe(0);
  });

  test('it stops within 200 ms of the last sound', async () => {
    const speech = fixture('slt');
    const probabilities = await judge(speech);
    const lastSound = probabilities.findLastIndex((_, index) => levelDb(windowAt(speech, index)) > SOUND_DB);

    expect(shareVoiced(probabilities.slice(lastSound + 7))).toBe(0);
  });
});

describe('what is no speech', () => {
  test.each<[string, () => Int16Array]>([
    ['digital silence', () => new Int16Array(SIX_SECONDS)],
    ['white noise at -20 dBFS', () => whiteNoise(SIX_SECONDS, 5_600)],
    ['brown noise at -20 dBFS', brownNoise],
    ['telephone keys', () => dtmfTones('1234567890*#'.repeat(3), { sampleRate: RATE })],
    ['ringback', () => mix(sine(440, RATE, SIX_SECONDS, 9_000), sine(480, RATE, SIX_SECONDS, 9_000))],
    ['dial tone', () => mix(sine(350, RATE, SIX_SECONDS, 9_000), sine(440, RATE, SIX_SECONDS, 9_000))],
    ['busy tone', busyTone],
    ['a 1 kHz tone', () => sine(1_000, RATE, SIX_SECONDS)],
  ])('%s is voiced in no window', async (_, signal) => {
    expect(shareVoiced(await judge(signal()))).toBe(0);
  });
});

describe('the model as the worker uses it', () => {
  test('calls judged together get the answers they get alone, in any order and batch', async () => {
    const signals = [fixture('rms'), fixture('slt'), whiteNoise(40_000, 4_000)].map((signal) =>
      signal.subarray(6_000, 20_000),
    );
    const alone = await Promise.all(signals.map(() => [] as number[]));
    for (const [index, signal] of signals.entries()) alone[index] = await judge(signal);

    const streams = signals.map(() => newStream());
    for (let window = 0; window < alone[0]!.length; window++) {
      for (const [index, stream] of streams.entries()) stream.window.set(windowAt(signals[index]!, window));
      const order = window % 2 === 0 ? streams : [...streams].reverse();
      await model.judge(order.slice(0, 2));
      await model.judge(order.slice(2));
      for (const [index, stream] of streams.entries()) {
        expect(stream.probability).toBeCloseTo(alone[index]![window]!, 3);
      }
    }
  });

  test('the end of a window is kept for the next one', async () => {
    const stream = newStream();
    stream.window.set(Int16Array.from({ length: WINDOW }, (_, index) => index * 128));
    await model.judge([stream]);

    expect([...stream.memory.subarray(0, 32)]).toEqual(Array.from({ length: 32 }, (_, index) => (224 + index) / 256));
  });

  test('a stream whose memory is zeroed starts anew', async () => {
    const speech = fixture('slt').subarray(6_000, 10_000);
    const stream = newStream();
    const first = await judge(speech, stream);
    stream.memory.fill(0);

    expect(await judge(speech, stream)).toEqual(first);
  });

  test('it takes as many streams at once as it says', async () => {
    const streams = Array.from({ length: model.maxBatch }, newStream);
    await model.judge(streams);

    expect(streams.map(({ probability }) => probability < VOICED)).toEqual(streams.map(() => true));
  });
});

async function judge(signal: Int16Array, stream: VoiceStream = newStream()): Promise<number[]> {
  const probabilities: number[] = [];
  for (let at = 0; at + WINDOW <= signal.length; at += WINDOW) {
    stream.window.set(signal.subarray(at, at + WINDOW));
    await model.judge([stream]);
    probabilities.push(stream.probability);
  }
  return probabilities;
}

function newStream(): VoiceStream {
  return { window: new Int16Array(WINDOW), memory: new Float32Array(model.memoryLength), probability: 0 };
}

function fixture(voice: string): Int16Array {
  return readWav(readFileSync(new URL(`../../../test/fixtures/speech-${voice}.wav`, import.meta.url))).samples;
}

function windowAt(signal: Int16Array, index: number): Int16Array {
  return signal.subarray(index * WINDOW, (index + 1) * WINDOW);
}

function shareVoiced(probabilities: readonly number[]): number {
  return probabilities.filter((probability) => probability >= VOICED).length / probabilities.length;
}

function brownNoise(): Int16Array {
  let sum = 0;
  return whiteNoise(SIX_SECONDS, 600).map((step) => {
    sum = sum * 0.995 + step;
    return sum;
  });
}

function busyTone(): Int16Array {
  const on = mix(sine(480, RATE, RATE / 2, 9_000), sine(620, RATE, RATE / 2, 9_000));
  return concat(...Array.from({ length: 6 }, () => concat(on, new Int16Array(RATE / 2))));
}
