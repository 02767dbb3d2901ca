import { afterEach, describe, expect, test } from 'vitest';
import { speechToTextContract } from '../../../test/contracts/speech-to-text.ts';
import { FakeOpenAiServer, type OpenAiFailure, type OpenAiServerOptions } from '../../../test/fakes/openai-server.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import { RecordingLog } from '../../../test/fakes/recording-log.ts';
import type { AudioFrame } from '../../core/audio-frame.ts';
import type { UtteranceId } from '../../core/ids.ts';
import type { SpeechToText } from '../../core/ports/speech-to-text.ts';
import { Connection } from './connection.ts';
import { openSpeechToText } from './speech-to-text.ts';

const KEY = 'sk-hunter2hunter2';
const HELLO = new Int16Array(1_600).fill(7);
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

describe('recognition over a loopback server', () => {
  speechToTextContract(async () => {
    const server = new FakeOpenAiServer({ transcribe: byLevel });
    const baseUrl = await server.listen();
    return {
      provider: openSpeechToText(new Connection({ baseUrl }, realClock), new RecordingLog()),
      sayings: [
        { samples: HELLO, words: 'hello' },
        { samples: new Int16Array(2_400).fill(9), words: 'good bye' },
      ],
      close: () => server[Symbol.asyncDispose](),
    };
  });

  test('the utterance goes as a WAV file at the rate of the call, with model and language', async () => {
    const heard: AudioFrame[] = [];
    const { provider, server } = await start({
      transcribe: (frame) => {
        heard.push(frame);
        return ' Hello. ';
      },
    });

    expect(await recognise(provider)).toBe('final: Hello.');
    expect(heard).toEqual([{ samples: HELLO, sampleRate: 8_000 }]);
    expect(server.requests[0]).toMatchObject({ path: '/audio/transcriptions', authorization: `Bearer ${KEY}` });
    expect(server.requests[0]?.body).toMatchObject({
      model: 'gpt-4o-mini-transcribe',
      language: 'en',
      response_format: 'json',
    });
  });

  test.each<[OpenAiFailure, string]>([
    ['unauthorized', 'provider_refused: openai-compatible answered 401: Incorrect API key provided: ***. You'],
    ['rate-limited', 'provider_failed: openai-compatible answered 429: Rate limit reached'],
    ['server-error', 'provider_failed: openai-compatible answered 500: The server had an error'],
    ['garbage', 'provider_failed: openai-compatible answered a transcription without text'],
    ['cut', 'provider_failed: openai-compatible: '],
    ['empty', 'provider_failed: openai-compatible answered a transcription without text'],
  ])('%s fails the utterance: %s', async (failure, words) => {
    const { provider, server } = await start({});
    server.failure = failure;

    const answer = await recognise(provider);

    expect(answer.slice(0, words.length)).toBe(words);
    expect(answer).not.toContain('hunter2');
  });

  test('a call that ends takes its request along', async () => {
    const { provider, server } = await start({ firstPartMs: 5_000 });
    const session = provider.open({ sampleRate: 8_000, language: 'en-US' }, quietListener);
    session.begin(1 as UtteranceId);
    session.write(HELLO);
    session.finish();
    await expect.poll(() => server.requests.length).toBe(1);

    session.close();

    await expect.poll(() => server.requests[0]?.isAbandoned).toBe(true);
  });
});

const quietListener = { interim: () => undefined, final: () => undefined, failed: () => undefined };

function byLevel({ samples }: AudioFrame): string {
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  return mean === 7 ? 'hello' : mean === 9 ? 'good bye' : 'noise';
}

async function start(options: OpenAiServerOptions) {
  const server = new FakeOpenAiServer(options);
  opened.push(server);
  const baseUrl = await server.listen();
  const provider = openSpeechToText(new Connection({ baseUrl, apiKey: KEY }, realClock), new RecordingLog());
  return { server, provider };
}

function recognise(provider: SpeechToText): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const session = provider.open(
    { sampleRate: 8_000, language: 'en-US' },
    {
      interim: () => undefined,
      final: (_utteranceId, text) => resolve(`final: ${text}`),
      failed: (_utteranceId, error) => resolve(`${error.code}: ${error.detail}`),
    },
  );
  session.begin(1 as UtteranceId);
  session.write(HELLO);
  session.finish();
  return promise.finally(() => session.close());
}
