import { describe, expect, test } from 'vitest';
import { ScriptedVad } from '../../test/fakes/scripted-vad.ts';
import { AppError } from '../core/errors.ts';
import type { UtteranceId } from '../core/ids.ts';
import type { SpeechToText, SpeechToTextListener } from '../core/ports/speech-to-text.ts';
import type { HearingListener } from './hearing.ts';
import { Hearing } from './hearing.ts';

const FIRST = 1 as UtteranceId;
const SECOND = 2 as UtteranceId;

describe('hearing', () => {
  test('an utterance begins with what was said before it was noticed', () => {
    const { hearing, recogniser } = world();
    for (let frame = 0; frame < 50; frame++) hearing.audio(new Int16Array(160).fill(frame), (frame + 1) * 20);

    hearing.begin(FIRST, 900);
    hearing.audio(new Int16Array(160).fill(50), 1_020);

    expect(recogniser.written[0]).toBe(45);
    expect(recogniser.written).toHaveLength(960);
    expect(recogniser.written.at(-1)).toBe(50);
  });

  test('a call at 16 kHz is heard at 8', () => {
    const { hearing, recogniser } = world(16_000);
    hearing.begin(FIRST, 0);

    for (let frame = 0; frame < 10; frame++) hearing.audio(new Int16Array(320), (frame + 1) * 20);

    expect(recogniser.written).toHaveLength(1_600);
  });

  test('a hole in the stream is heard as silence, not as words that melt together', () => {
    const { hearing, recogniser } = world();
    hearing.begin(FIRST, 0);
    hearing.audio(new Int16Array(160).fill(7), 20);

    hearing.audio(new Int16Array(160).fill(8), 1_020);

    expect(recogniser.written).toHaveLength(160 + 300 * 8 + 160);
    expect(recogniser.written[160]).toBe(0);
  });

  test('of a cancelled utterance nothing comes any more', () => {
    const { hearing, recogniser, told } = world();
    hearing.begin(FIRST, 0);
    hearing.finish(FIRST, 400);
    hearing.cancel(FIRST);
    hearing.begin(SECOND, 500);
    hearing.finish(SECOND, 900);

    recogniser.listener?.final(FIRST, 'late');
    recogniser.listener?.interim(FIRST, 'later');
    recogniser.listener?.final(SECOND, ' two ');
    recogniser.listener?.final(SECOND, 'twice');

    expect(told).toEqual([['recognised', SECOND, 'two', { startedMs: 500, endedMs: 900 }]]);
  });

  test('a recogniser that cannot be opened gives the detection slot back', () => {
    const vad = new ScriptedVad();
    const speechToText = {
      open: () => {
        throw new AppError('provider_failed');
      },
    } as unknown as SpeechToText;

    const open = () => new Hearing({ vad, speechToText, language: 'en-US', sampleRate: 8_000, listener: silent() });

    expect(open).toThrow('provider failed');
    expect(vad.openSessions).toBe(0);
  });
});

function world(sampleRate = 8_000) {
  const recogniser = { written: [] as number[], listener: null as SpeechToTextListener | null };
  const told: unknown[] = [];
  const speechToText: SpeechToText = {
    name: 'test',
    capabilities: { hasInterim: false, isGrammarOnly: false },
    open: (_options, listener) => {
      recogniser.listener = listener;
      return {
        expect: () => {},
        begin: () => {},
        write: (samples) => void recogniser.written.push(...samples),
        finish: () => {},
        cancel: () => {},
        close: () => {},
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const listener: HearingListener = {
    ...silent(),
    interim: (...args) => void told.push(['interim', ...args]),
    recognised: (...args) => void told.push(['recognised', ...args]),
  };
  const hearing = new Hearing({ vad: new ScriptedVad(), speechToText, language: 'en-US', sampleRate, listener });
  return { hearing, recogniser, told };
}

function silent(): HearingListener {
  return { window: () => {}, restarted: () => {}, interim: () => {}, recognised: () => {}, failed: () => {} };
}
