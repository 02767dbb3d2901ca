import { Type } from 'typebox';
import type { Provider, ProviderKind, ProviderOptions, ProviderSurroundings } from '../provider.ts';
import { Connection, PROVIDER_NAME } from './connection.ts';
import { OPENAI_DEFAULTS, openAiSettingsSchema } from './settings.ts';

const MODEL_SETTING = {
  languageModel: 'model',
  speechToText: 'speechToTextModel',
  textToSpeech: 'textToSpeechModel',
} as const;

const MODEL_VARIABLE = { speechToText: 'OPENAI_STT_MODEL', textToSpeech: 'OPENAI_TTS_MODEL' } as const;

/** Any server that speaks OpenAI's HTTP API, in the list: there with a key or a base URL. A connection each, since each closes its own. */
export const openAiCompatible: Provider = {
  name: PROVIDER_NAME,
  optionsSchema: Type.Object(
    { model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) },
    { additionalProperties: false },
  ),
  settingsSchema: openAiSettingsSchema,
  missing: async ({ settings: { openAi } }, autoFor) => {
    if (!openAi?.apiKey && !openAi?.baseUrl) return 'set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own';
    // Ollama and vLLM serve language models only: a server of one's own speaks or hears once its model is named.
    const isNamed =
      autoFor === undefined || autoFor === 'languageModel' || openAi[MODEL_SETTING[autoFor]] !== undefined;
    return openAi.baseUrl && !isNamed ? `set ${MODEL_VARIABLE[autoFor]} if your server offers it` : null;
  },
  describe: async (surroundings, kind) => {
    const { host } = new URL(connect(surroundings).baseUrl);
    return `${PROVIDER_NAME} at ${host}, model ${modelOf(surroundings, kind)}`;
  },
  languageModel: async (surroundings, options) => {
    const { openLanguageModel } = await import('./language-model.ts');
    return openLanguageModel(connect(surroundings), modelOption(options));
  },
  textToSpeech: async (surroundings, options) => {
    const { openTextToSpeech } = await import('./text-to-speech.ts');
    return openTextToSpeech(connect(surroundings), modelOption(options));
  },
  speechToText: async (surroundings, options) => {
    const { openSpeechToText } = await import('./speech-to-text.ts');
    return openSpeechToText(connect(surroundings), surroundings.log, modelOption(options));
  },
};

function connect({ settings, clock }: ProviderSurroundings): Connection {
  return new Connection(settings.openAi ?? {}, clock);
}

function modelOption(options: ProviderOptions): string | undefined {
  const { model } = options as { readonly model?: string };
  return model;
}

function modelOf({ settings }: ProviderSurroundings, kind: ProviderKind): string {
  const setting = MODEL_SETTING[kind];
  return settings.openAi?.[setting] ?? OPENAI_DEFAULTS[setting];
}
