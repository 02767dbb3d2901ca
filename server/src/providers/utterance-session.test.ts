import { describe, expect, test } from 'vitest';
import { settle } from '../../test/fakes/fake-clock.ts';
import { RecordingLog } from '../../test/fakes/recording-log.ts';
import { AppError } from '../core/errors.ts';
import type { UtteranceId } from '../core/ids.ts';
import type { SpeechToTextListener } from '../core/ports/speech-to-text.ts';
import { openUtteranceSession, type Recognise, type Utterance } from './utterance-session.ts';

const FIRST = 1 as UtteranceId;

function open(recognise: Recognise, listener: Partial<SpeechToTextListener> = {}) {
  const heard: string[] = [];
  const log = new RecordingLog();
  const session = openUtteranceSession(
    { sampleRate: 8_000, language: 'en-US', recognise, log, providerSignal: new AbortController().signal },
    {
      interim: () => undefined,
      final: (utteranceId, text) => heard.push(`${utteranceId} ${text}`),
      failed: (utteranceId, error) => heard.push(`${utteranceId} ${error.message}`),
      ...listener,
    },
  );
  return { session, heard, log };
}

describe('utterance session', () => {
  test('the recogniser gets the audio in one piece and the phrases as they were at finish', async () => {
    const asked: Utterance[] = [];
    const { session } = open(async (utterance) => {
      asked.push(utterance);
      return '';
    });

    session.expect(['yes']);
    session.begin(FIRST);
    session.write(Int16Array.of(1, 2));
    session.write(Int16Array.of(3));
    session.finish();
    session.expect(['later']);
    await settle();

    expect(asked).toEqual([
      { samples: Int16Array.of(1, 2, 3), sampleRate: 8_000, language: 'en-US', phrases: ['yes'] },
    ]);
  });

  test('an utterance without end is cut at 30 seconds', async () => {
    const asked: number[] = [];
    const { session } = open(async (utterance) => {
      asked.push(utterance.samples.length);
      return '';
    });

    session.begin(FIRST);
    for (let second = 0; second < 35; second++) session.write(new Int16Array(8_000).fill(second));
    session.finish();
    await settle();

    expect(asked).toEqual([240_000]);
  });

  test('an error of the recogniser is told as it is, an unforeseen one as internal', async () => {
    let error: Error = new AppError('provider_refused', { detail: 'no credit' });
    const { session, heard } = open(async () => {
      throw error;
    });

    session.begin(FIRST);
    session.write(Int16Array.of(1));
    session.finish();
    await settle();
    error = new TypeError('a bug');
    session.begin(2 as UtteranceId);
    session.write(Int16Array.of(1));
    session.finish();
    await settle();

    expect(heard).toEqual([
      '1 A speech or language provider refused the request: no credit',
      '2 Something failed inside the server',
    ]);
  });

  test('cancel after finish: the answer is dropped and the recogniser told', async () => {
    const answer = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const { session, heard } = open((_utterance, given) => {
      signal = given;
      return answer.promise;
    });
    session.begin(FIRST);
    session.write(Int16Array.of(1));
    session.finish();
    await settle();

    session.cancel();
    answer.resolve('too late');
    await settle();

    expect(signal?.aborted).toBe(true);
    expect(heard).toEqual([]);
  });

  test('a listener that throws is logged and ends nothing', async () => {
    const { session, log } = open(async () => 'words', {
      final: () => {
        throw new Error('a bug in the listener');
      },
    });

    session.begin(FIRST);
    session.write(Int16Array.of(1));
    session.finish();
    await settle();

    expect(log.events).toEqual(['speech_listener_failed']);
  });
});
