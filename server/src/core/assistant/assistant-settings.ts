/** Everything about an assistant that a version freezes. All durations are milliseconds. */
export type AssistantSettings = {
  /** BCP 47 tag; the local voices speak en-US only. */
  readonly language: string;
  readonly brain: BrainSettings;
  readonly speechToText: ProviderChoice;
  readonly textToSpeech: ProviderChoice & { readonly voice?: string };
  readonly turn: TurnSettings;
  /** Spoken when a part fails and the call cannot go on as planned. */
  readonly errorSentence: string;
};

/** A flow, a document that the scripted brain's schema checks. */
export type ScriptedBrainSettings = { readonly type: 'scripted'; readonly flow: unknown };

/** A language model with instructions; it greets with a fixed sentence, so that no caller waits for it. */
export type ModelBrainSettings = {
  readonly type: 'model';
  readonly provider: ProviderChoice;
  readonly instructions: string;
  readonly greeting: string;
  /** Whom it may hand callers to, by the name it is told: a model never makes a number up. None: it cannot transfer. */
  readonly transferNumbers?: Readonly<Record<string, string>>;
};

/** `auto`: the model where one is configured when the call comes, else the flow. */
export type BrainSettings =
  | ScriptedBrainSettings
  | ModelBrainSettings
  | { readonly type: 'auto'; readonly model: ModelBrainSettings; readonly otherwise: ScriptedBrainSettings };

/** A provider by name ('auto': the best one configured), with the provider's own options. */
export type ProviderChoice = { readonly provider: string; readonly options?: Readonly<Record<string, unknown>> };

export type TurnSettings = {
  /** A window at or above this probability is voiced (Silero v6: 0.5). */
  readonly voicedThreshold: number;
  /** Added to the threshold while the assistant speaks, against its own echo. */
  readonly speakingThresholdBoost: number;
  /** Silence after speech that ends the caller's turn. */
  readonly endOfTurnSilenceMs: number;
  /** Caller audio kept from before the first voiced window, so that no first syllable is lost. */
  readonly preRollMs: number;
  /** Voice that turns a suspected barge-in into a real one where no interim words exist. */
  readonly bargeInCommitMs: number;
  /** A suspected barge-in is decided within this time. */
  readonly bargeInDecisionMs: number;
  /** Play on at most this far before the heard position after a false barge-in. */
  readonly resumeRewindMs: number;
  /** A pause longer than this ends a sequence of digits ('#' ends it at once). */
  readonly digitTimeoutMs: number;
  /** Silence of both sides after which the assistant asks once. */
  readonly idleAskMs: number;
  /** Further silence after which it says goodbye. */
  readonly idleGoodbyeMs: number;
  readonly idleQuestion: string;
  readonly idleGoodbye: string;
  /** The longest call; it ends with a spoken goodbye, never a cut. */
  readonly maxDurationMs: number;
  readonly maxDurationGoodbye: string;
  /** The longest single utterance; a longer one is cut and recognised. */
  readonly maxUtteranceMs: number;
  /** Recognition that takes longer counts as failed. */
  readonly recognitionTimeoutMs: number;
  /** Words that do not take the turn when a caller says them while the assistant speaks. */
  readonly acknowledgements: readonly string[];
};

export const DEFAULT_TURN_SETTINGS: TurnSettings = {
  voicedThreshold: 0.5,
  speakingThresholdBoost: 0.15,
  endOfTurnSilenceMs: 600,
  preRollMs: 300,
  bargeInCommitMs: 350,
  bargeInDecisionMs: 500,
  resumeRewindMs: 400,
  digitTimeoutMs: 2_500,
  idleAskMs: 30_000,
  idleGoodbyeMs: 30_000,
  idleQuestion: 'Are you still there?',
  idleGoodbye: 'I cannot hear you, so I will hang up now. Goodbye.',
  maxDurationMs: 1_800_000,
  maxDurationGoodbye: 'We have reached the longest time for a call. Thank you and goodbye.',
  maxUtteranceMs: 20_000,
  recognitionTimeoutMs: 8_000,
  acknowledgements: ['mm-hm', 'mhm', 'uh-huh', 'yeah', 'okay', 'ok', 'right', 'i see'],
};

export const DEFAULT_ERROR_SENTENCE = 'Sorry, something went wrong on our side. Please call again later. Goodbye.';
