import { type Static, Type } from 'typebox';

/** What an operator sets for an OpenAI-compatible server; names of the environment in docs/providers/openai-compatible.md. */
export const openAiSettingsSchema = Type.Object(
  {
    apiKey: Type.Optional(
      Type.String({ minLength: 1, description: 'Sent as a bearer token; self-hosted servers may need none' }),
    ),
    baseUrl: Type.Optional(Type.String({ pattern: '^https?://', description: 'Up to and with /v1' })),
    model: Type.Optional(Type.String({ minLength: 1, description: 'Language model' })),
    speechToTextModel: Type.Optional(Type.String({ minLength: 1 })),
    textToSpeechModel: Type.Optional(Type.String({ minLength: 1 })),
    voice: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);

export type OpenAiSettings = Static<typeof openAiSettingsSchema>;

/** Small models of OpenAI: on a telephone the first word's delay counts for more than the last percent of wit. */
export const OPENAI_DEFAULTS = {
  baseUrl: 'https://api.openai.com/v1',
  model: 'gpt-4.1-mini',
  speechToTextModel: 'gpt-4o-mini-transcribe',
  textToSpeechModel: 'gpt-4o-mini-tts',
  voice: 'alloy',
} as const;
