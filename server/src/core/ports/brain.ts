import type { AssistantSettings } from '../assistant/assistant-settings.ts';
import type { CallContext } from '../call/call-context.ts';
import type { CallTurn } from '../call/call-record.ts';
import type { TransferBookmark, TransferFailure } from '../call/transfer.ts';
import type { MediaCapabilities } from './media-transport.ts';

/** What the brain is asked to answer. */
export type BrainInput =
  /** The call is up and nobody has spoken. */
  | { readonly type: 'started' }
  | { readonly type: 'said'; readonly text: string }
  /** Keys in order; a closing '#' is not included. */
  | { readonly type: 'digits'; readonly digits: string }
  /** The caller spoke and nothing could be understood. */
  | { readonly type: 'not_understood' }
  /**
   * Nobody took the caller over: the call goes on. In the place of `started` when the carrier brought the caller back in a new
   * attempt; then all the brain knows of the one before is its bookmark.
   */
  | { readonly type: 'transfer_failed'; readonly reason: TransferFailure; readonly bookmark: TransferBookmark | null };

/** A piece of the brain's answer, in order. */
export type BrainPart =
  /** Words to say; any cut is allowed, sentences are put together by the listener. */
  | { readonly type: 'text'; readonly text: string }
  /** What makes sense as the caller's next answer: phrases for a grammar, and how many keys at most. */
  | { readonly type: 'expect'; readonly phrases: readonly string[]; readonly maxDigits: number }
  /** A thing worth a line in the call's record. */
  | {
      readonly type: 'note';
      readonly name: string;
      readonly data?: Readonly<Record<string, string | number | boolean | null>>;
    }
  /** Hang up once all that was said has been heard. */
  | { readonly type: 'hang_up' }
  /** Hand the caller to another number once all that was said has been heard. `bookmark` comes back when that fails. */
  | { readonly type: 'transfer'; readonly to: string; readonly bookmark?: TransferBookmark };

/** One call's mind. Answers are asked for one at a time; the next may be asked for once the signal of the last is aborted. */
export interface BrainSession {
  /** @throws AppError provider_failed or provider_refused; ends quietly when `signal` aborts. */
  respond(input: BrainInput, signal: AbortSignal): AsyncIterable<BrainPart>;
  /**
   * The words of the last answer that the caller heard, once that is known and before the next `respond`: only these may be
   * remembered as said. Interrupted before a word was heard, the answer did not happen: the brain stands where it stood
   * before, and the same input comes again, maybe with more.
   */
  heard(text: string, wasInterrupted: boolean): void;
  close(): void;
}

/** One turn of an earlier attempt of the same call. */
export type EarlierTurn = Pick<CallTurn, 'role' | 'heardText'>;

export type BrainCall = {
  readonly context: CallContext;
  readonly settings: AssistantSettings;
  readonly capabilities: MediaCapabilities;
  /** Callers of this call can be handed over to somebody else. */
  readonly hasTransfer: boolean;
  /** What was heard in the attempt before, of a call that came back after a transfer. */
  readonly earlier?: readonly EarlierTurn[];
  /** The recogniser understands only expected phrases: confirm, offer digits, ask again. */
  readonly isGrammarOnly: boolean;
  /** Speech cannot be understood at all: keys only. */
  readonly hasSpeechInput: boolean;
};

/** What thinks in a call: a scripted flow, or a language model with tools. */
export interface Brain {
  readonly name: string;
  /** Its sentences come again in other calls: their speech is worth keeping. */
  readonly repeatsSentences?: boolean;
  /** Texts it surely says, the opening first: worth having as speech before a caller waits for it. */
  readonly fixedTexts?: readonly string[];
  open(call: BrainCall): BrainSession;
}
