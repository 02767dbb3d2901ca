import type { TSchema } from 'typebox';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { LanguageModel } from '../core/ports/language-model.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { SpeechToText } from '../core/ports/speech-to-text.ts';
import type { TextToSpeech } from '../core/ports/text-to-speech.ts';
import type { OpenAiSettings } from './openai-compatible/settings.ts';

/** What each kind of provider is made of. */
export type ProviderKinds = {
  readonly speechToText: SpeechToText;
  readonly textToSpeech: TextToSpeech;
  readonly languageModel: LanguageModel;
};
export type ProviderKind = keyof ProviderKinds;

/** Settings of the whole server, each provider's slice under its own name. */
export type ProviderSettings = { readonly openAi?: OpenAiSettings };

/** What the composition root hands to every provider. */
export type ProviderSurroundings = {
  readonly settings: ProviderSettings;
  /** Where fetched engines live. */
  readonly cacheDir: string;
  /** Folders of the system's programs, written like PATH. */
  readonly searchPath: string;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly metrics: Metrics;
};

/** An assistant's own options, checked against the provider's schema. */
export type ProviderOptions = Readonly<Record<string, unknown>>;

export type Opener<Kind extends ProviderKind> = (
  surroundings: ProviderSurroundings,
  options: ProviderOptions,
) => Promise<ProviderKinds[Kind]>;

/** A vendor or engine: one entry of the list. What it can do is what it has an opener for. */
export type Provider = { readonly [Kind in ProviderKind]?: Opener<Kind> } & {
  readonly name: string;
  /** For an assistant's `options`; the dashboard draws its form from it. */
  readonly optionsSchema: TSchema;
  /** For the server's own settings, or a credential; left out where there are none. */
  readonly settingsSchema?: TSchema;
  /** Null when it can be used here and now, else what to do to make it so. With a kind: whether `auto` may take it for that. */
  readonly missing: (surroundings: ProviderSurroundings, autoFor?: ProviderKind) => Promise<string | null>;
  /** In words for the start-up text: what is used for this kind. */
  readonly describe: (surroundings: ProviderSurroundings, kind: ProviderKind) => Promise<string>;
};
