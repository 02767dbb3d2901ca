import type { MediaCapabilities, MediaEnd } from '@assistant/server/core/ports/media-transport';
import { RemoteTransport } from '@assistant/server/media/remote/remote-transport';
import type { RemoteWire, RemoteWireRules } from '@assistant/server/media/remote/remote-wire';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';

export type RemotePeerHabits = {
  /** Twilio gives the marks of cleared audio back at once; Asterisk drops them. */
  readonly clearReturnsMarks: boolean;
  readonly canHold: boolean;
  /** Milliseconds a message needs, either way. */
  readonly delayMs: number;
};

const CAPABILITIES: MediaCapabilities = {
  clock: 'remote',
  maxLeadMs: 200,
  hasDtmfIn: true,
  hasDtmfOut: false,
  hasHold: false,
};

type Queued =
  | { readonly type: 'audio'; readonly samples: Int16Array; at: number }
  | { readonly type: 'mark'; readonly id: string };

export type RemoteLine = { echoed(id: string): void; finish(end: MediaEnd): void };

/** A carrier's side of a stream: a buffer that plays in real time, echoes marks and obeys clear. */
export class RemotePeer implements RemoteWire {
  readonly heard: number[] = [];
  isHungUp = false;
  readonly hold?: NonNullable<RemoteWire['hold']>;
  readonly #queue: Queued[] = [];
  readonly #habits: RemotePeerHabits;
  readonly #clock: FakeClock;
  readonly #samplesPerMs: number;
  #isHeld = false;
  /** Who hears our echoes and our end: the transport itself, or a carrier's socket around it. */
  line: RemoteLine | null = null;

  constructor(habits: RemotePeerHabits, clock: FakeClock, sampleRate: number) {
    this.#habits = habits;
    this.#clock = clock;
    this.#samplesPerMs = sampleRate / 1000;
    if (!habits.canHold) return;
    this.hold = {
      sendPause: () => this.#hold(true),
      sendContinue: () => this.#hold(false),
    };
  }

  sendAudio(samples: Int16Array): void {
    const copy = samples.slice();
    this.#soon(() => void this.#queue.push({ type: 'audio', samples: copy, at: 0 }));
  }

  sendMark(id: string): void {
    this.#soon(() => void this.#queue.push({ type: 'mark', id }));
  }

  sendClear(): void {
    this.#soon(() => {
      const dropped = this.#queue.splice(0);
      if (!this.#habits.clearReturnsMarks) return;
      for (const entry of dropped) if (entry.type === 'mark') this.#echo(entry.id);
    });
  }

  close(): void {
    this.isHungUp = true;
    this.#soon(() => this.line?.finish({ type: 'closed_by_us' }));
  }

  /** Plays one millisecond. */
  playMs(): void {
    if (this.#isHeld) return;
    for (let left = this.#samplesPerMs; left > 0; ) {
      const entry = this.#queue[0];
      if (!entry) break;
      if (entry.type === 'mark') {
        this.#queue.shift();
        this.#echo(entry.id);
        continue;
      }
      const part = entry.samples.subarray(entry.at, entry.at + left);
      this.heard.push(...part);
      entry.at += part.length;
      left -= part.length;
      if (entry.at === entry.samples.length) this.#queue.shift();
    }
    for (let next = this.#queue[0]; next?.type === 'mark'; next = this.#queue[0]) {
      this.#queue.shift();
      this.#echo(next.id);
    }
  }

  #hold(isHeld: boolean): void {
    this.#soon(() => {
      this.#isHeld = isHeld;
    });
  }

  #echo(id: string): void {
    this.#soon(() => this.line?.echoed(id));
  }

  #soon(act: () => void): void {
    this.#clock.after(Math.max(this.#habits.delayMs, 0.01), act);
  }
}

/** A call over a remote clock on the test's thread. */
export async function openRemoteCall(habits: RemotePeerHabits, rules: RemoteWireRules): Promise<Opened<MediaHarness>> {
  const clock = new FakeClock();
  const peer = new RemotePeer(habits, clock, rules.sampleRate);
  const transport = new RemoteTransport({ wire: peer, rules, capabilities: CAPABILITIES, clock });
  peer.line = transport;
  const frameSamples = rules.sampleRate / 50;
  const speech: Int16Array[] = [];
  let nextFrameMs = 0;
  const say = () => {
    if (speech.length === 0 || clock.nowMs() < nextFrameMs) return;
    nextFrameMs = clock.nowMs() + 20;
    transport.heardAudio(speech.shift() ?? new Int16Array(0));
  };
  const subject: MediaHarness = {
    transport,
    isExact: true,
    stopWithinMs: 2 * habits.delayMs + 20,
    pass: async (ms) => {
      for (let passed = 0; passed < ms; passed++) {
        say();
        clock.advance(1);
        peer.playMs();
        await Promise.resolve();
      }
      await settle();
    },
    heard: () => Int16Array.from(peer.heard),
    speak: (samples) => {
      for (let at = 0; at < samples.length; at += frameSamples) speech.push(samples.slice(at, at + frameSamples));
    },
    press: (digit) => transport.heardDigit(digit),
    hangUp: () => transport.finish({ type: 'peer_closed' }),
    breakOff: () => transport.finish({ type: 'lost', detail: '1006' }),
    isHungUp: () => peer.isHungUp,
  };
  return { subject, close: async () => transport.finish({ type: 'closed_by_us' }) };
}
