import type { EndReason } from '../call/call.ts';
import type { TransferBookmark } from '../call/transfer.ts';
import type { ReplyId, UtteranceId } from '../ids.ts';
import type { BrainInput } from '../ports/brain.ts';
import type { ReplyOutcome, TimerName } from './turn-event.ts';

/** When the caller's contribution ended, was judged to have ended, and was understood; clock times. */
export type InputTiming = {
  readonly speechEndedMs: number;
  readonly endpointMs: number;
  /** Null for keys. */
  readonly recognisedMs: number | null;
};

/** What the interpreter is to do, in order. */
export type TurnEffect =
  | { readonly type: 'start_timer'; readonly name: TimerName; readonly delayMs: number }
  | { readonly type: 'cancel_timer'; readonly name: TimerName }
  /** Feed the recogniser from `fromMs` on, pre-roll included. */
  | { readonly type: 'begin_utterance'; readonly utteranceId: UtteranceId; readonly fromMs: number }
  | { readonly type: 'finish_utterance'; readonly utteranceId: UtteranceId; readonly speechEndedMs: number }
  | { readonly type: 'cancel_utterance'; readonly utteranceId: UtteranceId }
  /** Ask the brain and speak its answer. */
  | {
      readonly type: 'ask';
      readonly replyId: ReplyId;
      readonly input: BrainInput;
      readonly timing: InputTiming | null;
    }
  /** Speak a sentence of our own. */
  | { readonly type: 'say'; readonly replyId: ReplyId; readonly text: string; readonly outcome: ReplyOutcome }
  | { readonly type: 'pause_playout' }
  /** Play on from where the listener was, at most resumeRewindMs earlier. */
  | { readonly type: 'resume_playout' }
  /** Drop what was not heard, stop the brain and the voice; `reply_cut` answers. */
  | { readonly type: 'cancel_reply'; readonly replyId: ReplyId }
  /** The reply is over: what was heard of it is final. */
  | { readonly type: 'settle_reply'; readonly replyId: ReplyId }
  | { readonly type: 'transfer'; readonly to: string; readonly bookmark: TransferBookmark | null }
  /** The caller is gone, or the carrier has taken the call over: whoever transfers must say soon what became of it. */
  | { readonly type: 'abort_transfer' }
  /** A line for the call's record. */
  | {
      readonly type: 'note';
      readonly name: string;
      readonly data?: Readonly<Record<string, string | number | boolean | null>>;
    }
  /** Close everything. The last effect there is, exactly once. */
  | { readonly type: 'end'; readonly reason: EndReason };

export const NO_EFFECTS: readonly TurnEffect[] = [];

export function startTimer(name: TimerName, delayMs: number): TurnEffect {
  return { type: 'start_timer', name, delayMs };
}

export function cancelTimer(name: TimerName): TurnEffect {
  return { type: 'cancel_timer', name };
}
