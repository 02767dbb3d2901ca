import { afterEach, describe, expect, test } from 'vitest';
import { textToSpeechContract } from '../../../test/contracts/text-to-speech.ts';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { FakeOpenAiServer, type OpenAiFailure, type OpenAiServerOptions } from '../../../test/fakes/openai-server.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import type { SpeechChunk, TextToSpeech } from '../../core/ports/text-to-speech.ts';
import { Connection } from './connection.ts';
import { openTextToSpeech } from './text-to-speech.ts';

const KEY = 'sk-hunter2hunter2';
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

describe.each(['pcm', 'odd', 'wav'] as const)('a voice over a loopback server that sends %s', (speechFormat) => {
  textToSpeechContract(async () => {
    const server = new FakeOpenAiServer({ speechFormat, voices: ['alloy', 'nova'] });
    const baseUrl = await server.listen();
    return {
      provider: openTextToSpeech(new Connection({ baseUrl }, realClock)),
      voice: 'nova',
      unknownVoice: 'rms',
      close: () => server[Symbol.asyncDispose](),
    };
  });

  test('every sample arrives as it was, however the bytes were cut', async () => {
    const { voice } = await start({ speechFormat });

    const chunks = await speak(voice, 'Hello.');

    const samples = chunks.flatMap((chunk) => [...chunk.samples]);
    expect(chunks.every((chunk) => chunk.sampleRate === 24_000)).toBe(true);
    expect(samples).toHaveLength(6 * 1_440);
    expect(samples.every((sample, index) => sample === (Math.floor(index / 60) % 2 === 0 ? 4_000 : -4_000))).toBe(true);
  });
});

describe('a voice over a loopback server', () => {
  test('the request names model, words, voice and format, and carries the key', async () => {
    const { voice, server } = await start({});

    await speak(voice, 'Hello.');

    expect(server.requests[0]).toMatchObject({
      path: '/audio/speech',
      authorization: `Bearer ${KEY}`,
      body: { model: 'gpt-4o-mini-tts', input: 'Hello.', voice: 'alloy', response_format: 'pcm' },
    });
  });

  test('the first piece is passed on while the rest is still being made', async () => {
    const { voice, server } = await start({ partMs: 50 });
    let pieces = 0;

    for await (const _chunk of voice.synthesize(requestOf('A longer sentence.'), new AbortController().signal)) {
      pieces++;
      if (pieces === 1) break;
    }

    await expect.poll(() => server.requests[0]?.isAbandoned).toBe(true);
  });

  test.each<[OpenAiFailure, string, string]>([
    ['unauthorized', 'provider_refused', 'openai-compatible answered 401: Incorrect API key provided: ***. You'],
    ['rate-limited', 'provider_failed', 'openai-compatible answered 429: Rate limit reached'],
    ['server-error', 'provider_failed', 'openai-compatible answered 500: The server had an error'],
    ['garbage', 'provider_failed', 'openai-compatible was asked for pcm and answered text/html'],
    ['cut', 'provider_failed', 'openai-compatible: '],
    ['empty', 'provider_failed', 'openai-compatible answered without any audio'],
  ])('%s: %s, without the key', async (failure, code, words) => {
    const { voice, server } = await start({});
    server.failure = failure;

    const error = await speak(voice, 'Hello.').catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ name: 'AppError', code, detail: expect.stringContaining(words) });
    expect(String(error)).not.toContain('hunter2');
  });

  test('music in a format that was not asked for is refused before it is taken for noise', async () => {
    const { voice } = await start({ speechFormat: 'mp3' });

    await expect(speak(voice, 'Hello.')).rejects.toMatchObject({
      code: 'provider_failed',
      detail: 'openai-compatible was asked for pcm and answered audio/mpeg',
    });
  });

  test('nothing comes at all: given up after ten seconds', async () => {
    const clock = new FakeClock();
    const { voice, server } = await start({}, clock);
    server.failure = 'stalled';
    const outcome = speak(voice, 'Hello.').catch((thrown: unknown) => thrown);
    await expect.poll(() => server.requests.length).toBe(1);

    clock.advance(10_000);

    expect(await outcome).toMatchObject({ detail: 'openai-compatible sent nothing for 10000 ms' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('a text over the bound is refused here', async () => {
    const { voice, server } = await start({});

    await expect(speak(voice, 'word '.repeat(900))).rejects.toMatchObject({
      code: 'provider_refused',
      detail: 'openai-compatible takes at most 4096 characters at once, got 4500',
    });
    expect(server.requests).toEqual([]);
  });
});

async function start(options: OpenAiServerOptions, clock: FakeClock | typeof realClock = realClock) {
  const server = new FakeOpenAiServer(options);
  opened.push(server);
  const baseUrl = await server.listen();
  return { server, voice: openTextToSpeech(new Connection({ baseUrl, apiKey: KEY }, clock)) };
}

function requestOf(text: string) {
  return { text, language: 'en-US', preferredSampleRate: 8_000 };
}

async function speak(voice: TextToSpeech, text: string): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of voice.synthesize(requestOf(text), new AbortController().signal)) chunks.push(chunk);
  return chunks;
}
