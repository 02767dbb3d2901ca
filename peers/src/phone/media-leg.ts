/** How a leg ended, in the words of the report. */
export type LegEnd =
  | { readonly by: 'us'; readonly how: string }
  | { readonly by: 'far end'; readonly how: string }
  | { readonly by: 'fault'; readonly how: string };

export type LegEvents = {
  /** What arrived, as it arrived: the samples are the receiver's to keep; `atMs` is performance.now(). */
  readonly audio: (samples: Int16Array, atMs: number) => void;
  /** Exactly once, and last. */
  readonly closed: (end: LegEnd) => void;
};

/**
 * One way to carry a phone's audio. A new one is one file: the phone owns the 20 ms clock and calls one of the three
 * `send` functions a tick; the leg turns it into its wire's form.
 */
export interface MediaLeg {
  /** Hz */
  readonly sampleRate: number;
  /** Resolves when the far end has our call. @throws Error with the address and the reason. */
  open(events: LegEvents): Promise<void>;
  /** 20 ms of audio. */
  sendAudio(samples: Int16Array): void;
  /** 20 ms of a key held down; `tick` counts from 0, `isLast` is key up. */
  sendKey(key: string, tick: number, isLast: boolean): void;
  /** The polite end of the call. */
  hangUp(): void;
  /** The end a crash makes: no farewell. */
  abort(): void;
}
