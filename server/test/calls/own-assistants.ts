import {
  type AssistantSettings,
  DEFAULT_ERROR_SENTENCE,
  DEFAULT_TURN_SETTINGS,
  type TurnSettings,
} from '@assistant/server/core/assistant/assistant-settings';

type Parts = Partial<Pick<AssistantSettings, 'speechToText' | 'textToSpeech' | 'errorSentence'>> & {
  readonly turn?: Partial<TurnSettings>;
};

/** An assistant that follows a flow. */
export function following(flow: unknown, parts: Parts = {}): AssistantSettings {
  return { ...common(parts), brain: { type: 'scripted', flow } };
}

/** An assistant that thinks with a model of the configured server. */
export function thinkingWith(model: string, greeting: string, parts: Parts = {}): AssistantSettings {
  const provider = { provider: 'openai-compatible', options: { model } };
  return { ...common(parts), brain: { type: 'model', provider, greeting, instructions: 'Help with bills.' } };
}

function common({ turn, ...parts }: Parts): Omit<AssistantSettings, 'brain'> {
  return {
    language: 'en-US',
    speechToText: { provider: 'auto' },
    textToSpeech: { provider: 'auto' },
    errorSentence: DEFAULT_ERROR_SENTENCE,
    ...parts,
    turn: { ...DEFAULT_TURN_SETTINGS, ...turn },
  };
}
