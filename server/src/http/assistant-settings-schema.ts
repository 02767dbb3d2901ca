import { type Static, Type } from 'typebox';
import {
  type AssistantSettings,
  DEFAULT_ERROR_SENTENCE,
  DEFAULT_TURN_SETTINGS,
} from '../core/assistant/assistant-settings.ts';

const LONGEST_TEXT = 20_000;
const text = (maxLength = LONGEST_TEXT) => Type.String({ maxLength });
const ms = (maximum: number) => Type.Integer({ minimum: 0, maximum });
const sentence = text(1_000);

const provider = Type.Object({
  provider: Type.String({ minLength: 1, maxLength: 64, description: 'a provider, or auto: the best one configured' }),
  options: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  voice: Type.Optional(text(128)),
});

const scripted = Type.Object({
  type: Type.Literal('scripted'),
  flow: Type.Unknown({ description: 'docs/providers/scripted.md: an object, or YAML as text' }),
});

const model = Type.Object({
  type: Type.Literal('model'),
  provider,
  instructions: text(),
  greeting: sentence,
  transferNumbers: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), text(128))),
});

const auto = Type.Object({ type: Type.Literal('auto'), model, otherwise: scripted });

const probability = Type.Number({ minimum: 0, maximum: 1 });

const turn = Type.Partial(
  Type.Object({
    voicedThreshold: probability,
    speakingThresholdBoost: probability,
    endOfTurnSilenceMs: ms(10_000),
    preRollMs: ms(2_000),
    bargeInCommitMs: ms(5_000),
    bargeInDecisionMs: ms(5_000),
    resumeRewindMs: ms(5_000),
    digitTimeoutMs: ms(60_000),
    idleAskMs: ms(3_600_000),
    idleGoodbyeMs: ms(3_600_000),
    idleQuestion: sentence,
    idleGoodbye: sentence,
    maxDurationMs: ms(86_400_000),
    maxDurationGoodbye: sentence,
    maxUtteranceMs: ms(120_000),
    recognitionTimeoutMs: ms(60_000),
    acknowledgements: Type.Array(text(64), { maxItems: 200 }),
  }),
);

/** What an assistant's version is made from; what is left out of `turn` is as it was found to work. */
export const assistantSettings = Type.Object(
  {
    language: Type.String({ minLength: 2, maxLength: 35, description: 'BCP 47' }),
    brain: Type.Union([scripted, model, auto]),
    speechToText: Type.Optional(provider),
    textToSpeech: Type.Optional(provider),
    turn: Type.Optional(turn),
    errorSentence: Type.Optional(sentence),
  },
  { description: 'durations in milliseconds' },
);

const AUTO = { provider: 'auto' };

/** The settings with everything filled in. */
export function readSettings(given: Static<typeof assistantSettings>): AssistantSettings {
  return {
    language: given.language,
    brain: given.brain,
    speechToText: given.speechToText ?? AUTO,
    textToSpeech: given.textToSpeech ?? AUTO,
    turn: { ...DEFAULT_TURN_SETTINGS, ...given.turn },
    errorSentence: given.errorSentence ?? DEFAULT_ERROR_SENTENCE,
  };
}
