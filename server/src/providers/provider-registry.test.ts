import { afterEach, describe, expect, test } from 'vitest';
import { realClock } from '../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../test/fakes/recording-log.ts';
import { type OpenProvidersOptions, openProviders, PROVIDERS } from './index.ts';
import type { ProviderRegistry } from './provider-registry.ts';

const opened: ProviderRegistry[] = [];

afterEach(async () => {
  for (const registry of opened.splice(0)) await registry[Symbol.asyncDispose]();
});

describe('providers by choice', () => {
  test('nothing is configured: flite speaks, nothing hears, and no model is there', async () => {
    const registry = open({});

    expect((await registry.textToSpeech({ provider: 'auto' })).name).toBe('flite');
    expect(await registry.speechToText({ provider: 'auto' })).toBeNull();
    await expect(registry.languageModel({ provider: 'auto' })).rejects.toMatchObject({
      code: 'not_configured',
      detail:
        'no provider for language model is there: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own',
    });
    expect(await registry.defaultBrainType()).toBe('scripted');
  });

  test.each<[string, OpenProvidersOptions['env']]>([
    ['a key', { openAi: { apiKey: 'sk-1' } }],
    [
      'a base URL and models for speech',
      { openAi: { baseUrl: 'http://127.0.0.1:9/v1', speechToTextModel: 'whisper', textToSpeechModel: 'piper' } },
    ],
  ])('with %s, auto is the OpenAI-compatible server for all three', async (_what, settings) => {
    const registry = open(settings);
    const auto = { provider: 'auto' };

    expect((await registry.textToSpeech(auto)).name).toBe('openai-compatible');
    expect((await registry.speechToText(auto))?.name).toBe('openai-compatible');
    expect((await registry.languageModel(auto)).name).toBe('openai-compatible');
    expect(await registry.defaultBrainType()).toBe('model');
  });

  test('with a base URL alone, auto leaves speech to the local engines: most such servers have none', async () => {
    const registry = open({ openAi: { baseUrl: 'http://127.0.0.1:9/v1' } });

    expect((await registry.textToSpeech({ provider: 'auto' })).name).toBe('flite');
    expect((await registry.textToSpeech({ provider: 'openai-compatible' })).name).toBe('openai-compatible');
    expect((await registry.languageModel({ provider: 'auto' })).name).toBe('openai-compatible');
  });

  test('settings that a configuration holds as null are unset', async () => {
    const openAi = { baseUrl: null, apiKey: null, model: null, voice: null };

    expect(await open({ openAi }).defaultBrainType()).toBe('scripted');
  });

  test('a provider by name is taken also where auto would take another', async () => {
    const registry = open({ openAi: { apiKey: 'sk-1' } });

    expect((await registry.textToSpeech({ provider: 'flite' })).name).toBe('flite');
  });

  test('the same choice is the same provider, another option another one', async () => {
    const registry = open({ openAi: { apiKey: 'sk-1' } });
    const small = { provider: 'openai-compatible', options: { model: 'small' } };

    const first = await registry.languageModel(small);

    expect(await registry.languageModel({ ...small })).toBe(first);
    expect(await registry.languageModel({ provider: 'openai-compatible', options: { model: 'large' } })).not.toBe(
      first,
    );
  });

  test('an unknown name is refused with the names there are', async () => {
    const registry = open({});

    await expect(registry.textToSpeech({ provider: 'pocketsphinx' })).rejects.toMatchObject({
      code: 'invalid_parameters',
      detail: 'there is no provider "pocketsphinx" for text to speech; it may be auto, openai-compatible, flite',
    });
  });

  test('a provider that is not there says what to do', async () => {
    const registry = open({});

    await expect(registry.speechToText({ provider: 'pocketsphinx' })).rejects.toMatchObject({
      code: 'not_configured',
      detail: expect.stringContaining('npm start -- speech install'),
    });
    await expect(registry.languageModel({ provider: 'openai-compatible' })).rejects.toMatchObject({
      code: 'not_configured',
    });
  });

  test('an option a provider does not know is refused by its place', async () => {
    const registry = open({});

    await expect(registry.textToSpeech({ provider: 'flite', options: { engine: 'steam' } })).rejects.toMatchObject({
      code: 'invalid_parameters',
      detail: expect.stringMatching(/^options of flite: \/engine /),
    });
  });

  test('the start-up text says what speaks, hears and thinks, and how to get what is missing', async () => {
    expect(await open({}).describe()).toEqual([
      'speech to text: none. To have one, set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own; or run `npm start -- speech install`, or install the packages pocketsphinx and pocketsphinx-en-us',
      'text to speech: flite, the one from npm: US English',
      'language model: none. To have one, set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own',
    ]);
    expect(await open({ openAi: { apiKey: 'sk-secret', model: 'm1' } }).describe()).toEqual([
      'speech to text: openai-compatible at api.openai.com, model gpt-4o-mini-transcribe',
      'text to speech: openai-compatible at api.openai.com, model gpt-4o-mini-tts',
      'language model: openai-compatible at api.openai.com, model m1',
    ]);
  });

  test('once closed it opens nothing', async () => {
    const registry = open({});
    await registry[Symbol.asyncDispose]();

    await expect(registry.textToSpeech({ provider: 'auto' })).rejects.toMatchObject({ code: 'draining' });
  });

  test('every provider has a name of its own and can do something', () => {
    expect(new Set(PROVIDERS.map((provider) => provider.name)).size).toBe(PROVIDERS.length);
    for (const provider of PROVIDERS) {
      expect([provider.speechToText, provider.textToSpeech, provider.languageModel].some(Boolean)).toBe(true);
    }
  });
});

function open(env: OpenProvidersOptions['env']): ProviderRegistry {
  const registry = openProviders({
    env,
    cacheDir: '/nowhere',
    searchPath: '/nowhere',
    log: new RecordingLog(),
    clock: realClock,
    metrics: new RecordingMetrics(),
  });
  opened.push(registry);
  return registry;
}
