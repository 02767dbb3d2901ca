import type { EndReason } from '../call/call.ts';
import type { TransferBookmark, TransferFailure } from '../call/transfer.ts';
import type { ReplyId, UtteranceId } from '../ids.ts';
import type { BrainInput } from '../ports/brain.ts';

/** Each timer runs at most once at a time; starting it again replaces it. */
export type TimerName =
  /** Nobody speaks. */
  | 'idle'
  /** The caller stopped pressing keys. */
  | 'digits'
  /** The caller stopped speaking. */
  | 'end_of_turn'
  | 'max_utterance'
  | 'recognition'
  | 'barge_in_decision'
  /** A reply is being made and nothing comes of it. */
  | 'progress'
  /** A reply was sent and is not confirmed as heard. */
  | 'confirmation'
  /** The media leg is gone, and it is not known what became of the transfer. */
  | 'transfer'
  | 'max_duration';

/** What follows once a reply was heard. */
export type ReplyOutcome =
  | { readonly type: 'listen' }
  | { readonly type: 'end'; readonly reason: EndReason }
  | { readonly type: 'transfer'; readonly to: string; readonly bookmark: TransferBookmark | null };

type At = { /** The clock's time of the event. */ readonly atMs: number };

/** One judged stretch of caller audio, `endMs` when its last sample arrived. */
export type VoiceWindowEvent = At & {
  readonly type: 'voice_window';
  readonly probability: number;
  readonly levelDb: number;
  readonly endMs: number;
};

export type InterimEvent = At & { readonly type: 'interim'; readonly utteranceId: UtteranceId; readonly text: string };

/** Empty text: nothing was understood. */
export type RecognisedEvent = At & {
  readonly type: 'recognised';
  readonly utteranceId: UtteranceId;
  readonly text: string;
};

export type RecognitionFailedEvent = At & { readonly type: 'recognition_failed'; readonly utteranceId: UtteranceId };

export type DigitEvent = At & { readonly type: 'digit'; readonly digit: string };

/** All audio of a reply is queued; `remainingMs` of it are not yet heard. */
export type ReplyCompleteEvent = At & {
  readonly type: 'reply_complete';
  readonly replyId: ReplyId;
  readonly outcome: ReplyOutcome;
  readonly remainingMs: number;
};

/** Nothing more comes of a reply; `part` is what failed. */
export type ReplyFailedEvent = At & {
  readonly type: 'reply_failed';
  readonly replyId: ReplyId;
  readonly part: 'brain' | 'voice';
};

export type ReplyEvent =
  /** The first audio of a reply is on its way. */
  | (At & { readonly type: 'reply_audible'; readonly replyId: ReplyId })
  /** More of a reply was made, or taken by the wire. */
  | (At & { readonly type: 'reply_progress'; readonly replyId: ReplyId })
  | ReplyCompleteEvent
  /** Everything a reply had to say was heard; after `reply_complete`. */
  | (At & { readonly type: 'reply_heard'; readonly replyId: ReplyId })
  | ReplyFailedEvent;

/** The answer to the effect `cancel_reply`. */
export type ReplyCutEvent = At & { readonly type: 'reply_cut'; readonly replyId: ReplyId; readonly wasHeard: boolean };

/** The call is up. `opening`: what the brain is asked first, where that is not `started`. */
export type StartedEvent = At & { readonly type: 'started'; readonly opening?: BrainInput };

/** Nobody took the caller over. */
export type TransferFailedEvent = At & { readonly type: 'transfer_failed'; readonly reason: TransferFailure };

/** The media leg is gone. */
export type MediaEndedEvent = At & { readonly type: 'media_ended'; readonly reason: EndReason };

/** What happened, as the turn machine sees it. */
export type TurnEvent =
  | StartedEvent
  | VoiceWindowEvent
  | InterimEvent
  | RecognisedEvent
  | RecognitionFailedEvent
  | DigitEvent
  /** The brain waits for this many keys at most; 0: it does not say. */
  | (At & { readonly type: 'digits_expected'; readonly maxDigits: number })
  | ReplyEvent
  | ReplyCutEvent
  | (At & { readonly type: 'timer'; readonly name: TimerName })
  /** The far side put the call on hold, or took it off. */
  | (At & { readonly type: 'held'; readonly isHeld: boolean })
  /** Somebody else has the caller, or the carrier is about to bring them there. */
  | (At & { readonly type: 'transferred' })
  | TransferFailedEvent
  | MediaEndedEvent
  /** Somebody outside wants the call to end: at once. */
  | (At & { readonly type: 'ended'; readonly reason: EndReason });
