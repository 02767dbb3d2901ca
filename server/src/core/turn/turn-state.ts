import type { TurnSettings } from '../assistant/assistant-settings.ts';
import type { EndReason } from '../call/call.ts';
import type { TransferBookmark } from '../call/transfer.ts';
import type { ReplyId, UtteranceId } from '../ids.ts';
import type { BrainInput } from '../ports/brain.ts';
import type { ReplyOutcome } from './turn-event.ts';
import type { VoiceLevels } from './voice-levels.ts';
import { UNKNOWN_LEVELS } from './voice-levels.ts';

/** What does not change during a call. */
export type TurnRules = TurnSettings & {
  readonly errorSentence: string;
  /** Length of one judged stretch of caller audio. */
  readonly windowMs: number;
  /** The recogniser gives words while the caller still speaks. */
  readonly hasInterim: boolean;
};

/** What is remembered across states. */
export type TurnMemory = {
  readonly rules: TurnRules;
  readonly nextReplyId: ReplyId;
  readonly nextUtteranceId: UtteranceId;
  /** The most keys that make sense now; 0: unknown. */
  readonly maxDigits: number;
  /** A '#' before this time belongs to keys that were already taken. */
  readonly hashIgnoredUntilMs: number;
  /** Voiced windows in a row up to now, and when the first of them began. */
  readonly voicedRun: number;
  readonly voicedSinceMs: number;
  readonly levels: VoiceLevels;
  /** Recognitions that failed one after the other. */
  readonly failedRecognitions: number;
  /** Transfers that failed since the caller last said something. */
  readonly failedTransfers: number;
  readonly isHeld: boolean;
};

/** Something the caller says. */
export type Utterance = {
  readonly id: UtteranceId;
  /** How much of it was voice. */
  readonly voicedMs: number;
  readonly lastVoicedMs: number;
};

/** A finished utterance; text null while the recogniser is at it. */
export type Spoken = { readonly id: UtteranceId; readonly text: string | null };

/** Something the assistant says. */
export type Reply = {
  readonly id: ReplyId;
  /** What it answers; null for a sentence of our own. */
  readonly input: BrainInput | null;
  readonly outcome: ReplyOutcome;
  readonly isIdleQuestion: boolean;
  readonly isAudible: boolean;
  readonly isComplete: boolean;
  readonly isHeard: boolean;
  /** When something last came of it. */
  readonly progressAtMs: number;
  /** When all of it must have been heard; Infinity until it is complete. */
  readonly confirmByMs: number;
};

/** Stage one of a barge-in, being decided. */
export type Suspicion = {
  readonly utterance: Utterance;
  readonly sinceMs: number;
  readonly peakDb: number;
  /** The recogniser has heard words so far, all of them acknowledgements. */
  readonly isAcknowledged: boolean;
};

type StateOf<Name extends string, Own = unknown> = { readonly name: Name; readonly memory: TurnMemory } & Own;

export type Starting = StateOf<'starting'>;
/** How long nobody may speak yet, and whether the caller was asked about it. */
export type Idleness = { readonly wasAsked: boolean; readonly untilMs: number };
/** Nobody speaks. */
export type Listening = StateOf<'listening', { readonly idle: Idleness }>;
/** The caller presses keys. */
export type Keying = StateOf<'keying', { readonly digits: string; readonly lastDigitMs: number }>;
/** The caller speaks; `spoken` came before without an answer, `unanswered` is what a reply nobody heard was to answer. */
export type Hearing = StateOf<
  'hearing',
  {
    readonly utterance: Utterance;
    readonly spoken: readonly Spoken[];
    readonly unanswered: BrainInput | null;
    /** The silence this broke, to go back to when it was but a bump; null when something waits for an answer. */
    readonly idle: Idleness | null;
  }
>;
/** The caller has spoken; the recogniser is at work. */
export type Recognising = StateOf<
  'recognising',
  {
    readonly spoken: readonly Spoken[];
    readonly unanswered: BrainInput | null;
    readonly speechEndedMs: number;
    readonly endpointMs: number;
  }
>;
/** A reply is being made; nothing of it is audible. */
export type Thinking = StateOf<'thinking', { readonly reply: Reply }>;
export type Speaking = StateOf<'speaking', { readonly reply: Reply }>;
/** The caller may be barging in: playout is paused, at most bargeInDecisionMs. */
export type Suspecting = StateOf<'suspecting', { readonly reply: Reply; readonly suspicion: Suspicion }>;
/** The last words of the call; nobody interrupts them. */
export type Closing = StateOf<'closing', { readonly reply: Reply; readonly reason: EndReason }>;
/** The caller is being handed over; nobody speaks. */
export type Transferring = StateOf<
  'transferring',
  {
    readonly to: string;
    readonly bookmark: TransferBookmark | null;
    /** The longest time for a call is over. */
    readonly isOverdue: boolean;
    /** How the call ends if nobody has the caller; null while the media leg is there. */
    readonly mediaEnd: EndReason | null;
  }
>;
export type Ended = StateOf<'ended', { readonly reason: EndReason }>;

export type TurnState =
  | Starting
  | Listening
  | Keying
  | Hearing
  | Recognising
  | Thinking
  | Speaking
  | Suspecting
  | Closing
  | Transferring
  | Ended;

/** The state before the call's first event. */
export function initialTurn(rules: TurnRules): Starting {
  return {
    name: 'starting',
    memory: {
      rules,
      nextReplyId: 1 as ReplyId,
      nextUtteranceId: 1 as UtteranceId,
      maxDigits: 0,
      hashIgnoredUntilMs: 0,
      voicedRun: 0,
      voicedSinceMs: 0,
      levels: UNKNOWN_LEVELS,
      failedRecognitions: 0,
      failedTransfers: 0,
      isHeld: false,
    },
  };
}
