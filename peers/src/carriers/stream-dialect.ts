/** What goes over a carrier's WebSocket: text or binary. */
export type StreamText = string | Buffer;

/** What the server says on a carrier's stream, read as strictly as the carrier does. */
export type StreamCommand =
  | { readonly type: 'audio'; readonly samples: Int16Array }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'clear' }
  /** The carrier would refuse it, or throw it away: `how` names its rule. */
  | { readonly type: 'fault'; readonly how: string };

/** How one carrier speaks on its stream. Pure: it makes and reads messages, and numbers its own. */
export interface StreamDialect {
  /** Hz */
  readonly sampleRate: number;
  readonly mostMessages: number | null;
  readonly clearReturnsMarks: boolean;
  opening(): readonly StreamText[];
  /** 20 ms of the caller; none when it is kept for a longer message. */
  audio(samples: Int16Array): readonly StreamText[];
  /** A key is up again. */
  key(key: string): readonly StreamText[];
  mark(name: string): readonly StreamText[];
  /** Behind a clear. */
  cleared(): readonly StreamText[];
  /** The last words before the carrier closes. */
  goodbye(): readonly StreamText[];
  read(message: StreamText): StreamCommand;
}
