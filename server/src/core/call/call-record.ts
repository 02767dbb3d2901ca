/** What happened in a call, in order; `atMs` counts from the claim. Names are stable: they are part of the API. */
export type CallEvent = {
  readonly atMs: number;
  readonly type: string;
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
};

/**
 * When each stage of an assistant's turn was reached, ms after the caller's speech ended (for the greeting: after the
 * claim). Null: the stage did not occur, as in a scripted reply without a model. In the order of the fields each value is
 * at least the one before, so the differences sum to the whole.
 */
export type TurnWaterfall = {
  readonly endpointMs: number | null;
  readonly sttFinalMs: number | null;
  readonly firstTokenMs: number | null;
  readonly firstSentenceMs: number | null;
  readonly firstTtsByteMs: number | null;
  readonly firstFrameSentMs: number | null;
  readonly firstFramePlayedMs: number | null;
};

/** One turn of either side. */
export type CallTurn = {
  /** From 0, in the order the turns began. */
  readonly index: number;
  readonly role: 'assistant' | 'caller';
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** What was meant to be said, or what was understood. */
  readonly text: string;
  /** Assistant: the words the caller heard. Caller: the same as `text`. */
  readonly heardText: string;
  readonly wasInterrupted: boolean;
  /** Caller: words or keys. Assistant: always speech. */
  readonly source: 'speech' | 'digits';
  readonly waterfall: TurnWaterfall | null;
};
