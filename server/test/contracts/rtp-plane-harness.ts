import type { MediaTransport } from '@assistant/server/core/ports/media-transport';
import { createCallMemory } from '@assistant/server/media/call-memory';
import { createDoorbellMemory } from '@assistant/server/media/doorbell';
import { bump, COUNTER, createCounterMemory, readCounters } from '@assistant/server/media/media-counters';
import { MediaDesk } from '@assistant/server/media/media-desk';
import { MediaPlane } from '@assistant/server/media/media-plane';
import type { MediaTick } from '@assistant/server/media/messages';
import { PacketPool } from '@assistant/server/media/rtp/packet-pool';
import { RtpLeg } from '@assistant/server/media/rtp/rtp-leg';
import type { RtpStats } from '@assistant/server/media/rtp/rtp-stats';
import type { SilenceLimits } from '@assistant/server/media/rtp/silence-watch';
import type { DatagramSink, Endpoint, Targets } from '@assistant/server/media/udp/datagram-sink';
import type { AgreedMedia } from '@assistant/server/protocols/sdp/agreed-media';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import type { Opened } from './contract.ts';
import { FIRST, type MediaHarness, Notebook } from './media-harness.ts';
import { agreed, RtpPhone } from './rtp-phone.ts';
import { steadyLevels, withSteadyLevels } from './steady-levels.ts';

/** A pair of sockets' stand-in: hands what is sent to the phone, and keeps where it went. */
export class PhoneSink implements DatagramSink {
  targets: Targets = { rtp: null, rtcp: null, hasRtcpMux: false };
  isLocked = false;
  isClosed = false;
  readonly sentTo: string[] = [];
  readonly #phone: RtpPhone;

  constructor(phone: RtpPhone) {
    this.#phone = phone;
  }

  aim(targets: Targets): void {
    this.targets = targets;
    this.isLocked = false;
  }

  lock(): void {
    this.isLocked = true;
  }

  unlock(): void {
    this.isLocked = false;
  }

  sendRtp(packet: Uint8Array): boolean {
    const { rtp } = this.targets;
    if (this.isClosed || rtp === null) return true;
    this.sentTo.push(`${rtp.address}:${rtp.port}`);
    this.#phone.take(packet);
    return true;
  }

  sendRtcp(packet: Uint8Array): void {
    if (!this.isClosed) this.#phone.takeReport(packet);
  }

  close(): void {
    this.isClosed = true;
  }
}

export type RtpBenchOptions = {
  readonly media?: AgreedMedia;
  readonly limits?: SilenceLimits;
  readonly seed?: number;
};

/** One RTP call, the plane and main's desk on one thread with one injected clock, and a phone that talks without a pause. */
export class RtpBench {
  readonly clock = new FakeClock();
  readonly counters = createCounterMemory();
  readonly log = new RecordingLog();
  readonly phone: RtpPhone;
  readonly sink: PhoneSink;
  readonly leg: RtpLeg;
  readonly media: MediaTransport;
  readonly held: boolean[] = [];
  stats: RtpStats | undefined;
  /** Where the phone's packets come from. */
  from: Endpoint = { address: '127.0.0.1', port: 40_000 };
  /** What the network does to the phone's packets: true lets one through. */
  network: (packet: Buffer) => boolean = () => true;
  isTalking = true;
  readonly plane: MediaPlane;
  readonly desk: MediaDesk;
  readonly #posted: MediaTick[] = [];
  #nextFrameMs = 0;

  constructor({ media = agreed(), limits = { firstMs: 30_000, laterMs: 15_000 }, seed = 1 }: RtpBenchOptions = {}) {
    const { counters, clock, log } = this;
    const doorbell = createDoorbellMemory();
    this.phone = new RtpPhone(media);
    this.sink = new PhoneSink(this.phone);
    this.plane = new MediaPlane({ counters, doorbell }, { nowMs: 0, post: (tick) => this.#posted.push(tick) });
    this.desk = new MediaDesk({
      doorbell,
      clock,
      log,
      send: (command) => {
        if (command.type === 'close') this.plane.close(command.call, clock.nowMs());
        else if (command.type === 'rtp_digits') this.leg.sendDigits(command.digits);
      },
      countLateVerb: () => {},
      onArrival: () => {},
    });
    this.leg = this.#leg(limits, seed);
    const memory = createCallMemory(media.codec.sampleRate);
    this.media = this.desk.open(this.leg.call, {
      contextId: null,
      memory,
      capabilities: {
        clock: 'local',
        maxLeadMs: 20,
        hasDtmfIn: true,
        hasDtmfOut: true,
        hasHold: true,
      },
      onClosed: () => {},
    });
    this.plane.add(this.leg, 0, 0);
    this.leg.start(media, memory, 0);
  }

  #leg(limits: SilenceLimits, seed: number): RtpLeg {
    const { plane, counters } = this;
    const host = {
      counters,
      ring: (leg: RtpLeg) => plane.ring(leg),
      digit: (leg: RtpLeg, digit: string) => plane.digit(leg, digit),
      ended: (leg: RtpLeg, end: Parameters<MediaPlane['ended']>[1]) => plane.ended(leg, end),
      begun: () => bump(counters, COUNTER.activeCalls),
      held: (leg: RtpLeg, isHeld: boolean) => {
        this.held.push(isHeld);
        plane.tell({ type: 'held', call: leg.call, isHeld });
      },
      stats: (_leg: RtpLeg, stats: RtpStats) => {
        this.stats = stats;
      },
    };
    const random = new SeededRandom(seed);
    const packets = new PacketPool();
    const epochAtZeroMs = 1_767_225_600_000;
    return new RtpLeg(plane.newCall(), { host, sink: this.sink, packets, random, limits, epochAtZeroMs });
  }

  /** The phone's network delivers this now. */
  deliver(packet: Buffer, from = this.from): void {
    if (this.network(packet)) this.leg.receiveRtp(Buffer.from(packet), from, this.clock.nowMs());
  }

  /** The phone presses a key: its packets come 20 ms after one another, audio stops meanwhile. */
  press(digit: string): void {
    for (const packet of this.phone.digit(digit)) this.deliver(packet);
  }

  /** Moves time on by the millisecond. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      if (this.isTalking && this.clock.nowMs() >= this.#nextFrameMs) {
        this.#nextFrameMs = this.clock.nowMs() + 20;
        this.deliver(this.phone.frame());
      }
      this.clock.advance(1);
      this.plane.advanceTo(this.clock.nowMs());
      for (const tick of this.#posted.splice(0)) this.desk.receive(tick);
      await Promise.resolve();
    }
    await settle();
  }
}

/** A call that has latched, and what its listener was told. */
export async function openRtpCall(options: RtpBenchOptions = {}) {
  const bench = new RtpBench(options);
  const notes = new Notebook();
  bench.media.listen(notes);
  await bench.pass(200);
  return { bench, notes, phone: bench.phone, counters: () => readCounters(bench.counters) };
}

/** A whole reply. */
export function playTo(bench: RtpBench, samples: Int16Array): void {
  bench.media.play({ samples, sampleRate: bench.media.sampleRate }, FIRST);
  bench.media.endReply(FIRST);
}

/** How far each value lies from the one before. */
export function steps(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - (values[index] ?? 0));
}

/** A call over RTP on the test's thread: exact to the sample and the tick. */
export async function openRtpPlaneCall(media = agreed()): Promise<Opened<MediaHarness & { bench: RtpBench }>> {
  const bench = new RtpBench({ media, limits: { firstMs: 1000, laterMs: 1000 } });
  await bench.pass(20);
  const isAdaptive = media.codec.name === 'G722';
  const subject: MediaHarness & { bench: RtpBench } = {
    bench,
    transport: isAdaptive ? withSteadyLevels(bench.media) : bench.media,
    isExact: true,
    stopWithinMs: 20,
    pass: (ms) => bench.pass(ms),
    heard: () => (isAdaptive ? steadyLevels(bench.phone.heard(), bench.media.sampleRate / 1000) : bench.phone.heard()),
    speak: (samples) => bench.phone.speak(samples),
    press: (digit) => bench.press(digit),
    hangUp: () => bench.leg.end({ type: 'peer_closed' }, bench.clock.nowMs()),
    breakOff: () => {
      bench.isTalking = false;
    },
    isHungUp: () => bench.phone.isHungUp && bench.sink.isClosed,
  };
  return { subject, close: async () => bench.plane.release(bench.leg) };
}
