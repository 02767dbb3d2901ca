/**
 * The wire of a channel that buffers on its own side, as its folder speaks it. Every verb writes at once and never throws;
 * after the socket closed they do nothing.
 */
export interface RemoteWire {
  /** A view of PCM at the wire's rate, a whole number of blocks long; encode it before the call returns. */
  sendAudio(samples: Int16Array): void;
  /** Asks for an echo once everything sent before it was played. */
  sendMark(id: string): void;
  /** Tells the other side to drop what it has not played. */
  sendClear(): void;
  /** Where the other side can hold its queue; else a pause is a clear and the audio is sent again. */
  readonly hold?: { sendPause(): void; sendContinue(): void };
  sendDigits?(digits: string): void;
  close(): void;
}

/** What a channel's wire wants of the audio it gets. */
export type RemoteWireRules = {
  /** Hz */
  readonly sampleRate: number;
  /** Every message is a whole multiple of so many samples; the end of a reply is padded. */
  readonly blockSamples: number;
  /** A message holds no less while the reply goes on … */
  readonly minMessageMs: number;
  /** … and no more. */
  readonly maxMessageMs: number;
  /** Instead of both where the other side has nothing left to play, so that a reply begins sooner. */
  readonly firstMessageMs?: number;
  /** So much goes out together, in several messages. Left out: whatever is due. */
  readonly burstMs?: number;
  /** How much lies ready on the other side. */
  readonly leadMs: number;
  /**
   * On a long way our view of the ear is old and what we send is not there at once: the round trip is added to the lead, up to
   * `mostMs`; `untilKnownMs` stands for it before the first echo. Left out: nothing is added.
   */
  readonly roundTrip?: { readonly mostMs: number; readonly untilKnownMs: number };
};
