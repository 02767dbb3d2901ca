import type { MediaTransport } from '@assistant/server/core/ports/media-transport';
import { AudioSocketDoor } from '@assistant/server/media/audiosocket-door';
import type { AudioSocketLeg, ByteSink } from '@assistant/server/media/audiosocket-leg';
import { createDoorbellMemory } from '@assistant/server/media/doorbell';
import { createCounterMemory } from '@assistant/server/media/media-counters';
import { MediaDesk } from '@assistant/server/media/media-desk';
import { MediaPlane } from '@assistant/server/media/media-plane';
import type { MediaTick } from '@assistant/server/media/messages';
import { audioKind, serialiseFrame } from '@assistant/server/protocols/audiosocket/frame';
import { FrameParser } from '@assistant/server/protocols/audiosocket/frame-parser';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';

export const ID_FRAME = Buffer.from('01001011111111222243338444555555555555', 'hex');

/** The peer's end of an AudioSocket: understands what we send and keeps what it heard. */
export class AudioSocketEar {
  readonly frames: Int16Array[] = [];
  isHungUp = false;
  readonly #parser = new FrameParser(32_768, (kind, bytes, start, end) => {
    if (kind === 0x00) this.isHungUp = true;
    else this.frames.push(new Int16Array(Uint8Array.from(bytes.subarray(start, end)).buffer));
  });

  take(bytes: Uint8Array): void {
    this.#parser.push(bytes);
  }

  heard(): Int16Array {
    return Int16Array.from(this.frames.flatMap((frame) => Array.from(frame)));
  }
}

/** A socket's stand-in: hands what is written to the ear, or keeps it as a peer would that does not read. */
export class EarSink implements ByteSink {
  readonly ear = new AudioSocketEar();
  queuedBytes = 0;
  isEnded = false;
  isDestroyed = false;
  isStuck = false;

  write(bytes: Buffer, written: () => void): void {
    if (this.isStuck) this.queuedBytes += bytes.length;
    else this.ear.take(bytes);
    written();
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** The media worker's plain objects and main's desk on one thread, with one injected clock. */
export class PlaneBench {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly counters = createCounterMemory();
  readonly arrivals: { contextId: string; remoteAddress: string; media: MediaTransport }[] = [];
  readonly plane: MediaPlane;
  readonly door: AudioSocketDoor;
  readonly desk: MediaDesk;
  #posted: MediaTick[] = [];

  constructor() {
    const doorbell = createDoorbellMemory();
    this.plane = new MediaPlane(
      { counters: this.counters, doorbell },
      { nowMs: this.clock.nowMs(), post: (tick) => this.#posted.push(tick) },
    );
    this.door = new AudioSocketDoor(this.plane);
    this.desk = new MediaDesk({
      doorbell,
      clock: this.clock,
      log: this.log,
      send: ({ type, call }) => {
        if (type === 'close') this.plane.close(call, this.clock.nowMs());
        else this.plane.recycle(call);
      },
      countLateVerb: () => {},
      onArrival: (_listener, arrival) => this.arrivals.push(arrival),
    });
  }

  accept(sink: ByteSink, address = '127.0.0.1'): AudioSocketLeg | null {
    return this.door.accept(1, sink, { address, nowMs: this.clock.nowMs() });
  }

  /** Moves time on by the millisecond; `everyMs` is called before each. */
  async pass(ms: number, everyMs: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      everyMs();
      this.clock.advance(1);
      this.plane.advanceTo(this.clock.nowMs());
      for (const tick of this.#posted.splice(0)) this.desk.receive(tick);
      await Promise.resolve();
    }
    await settle();
  }
}

/** A call over AudioSocket on the test's thread: exact to the sample and the tick. */
export async function openPlaneCall(sampleRate = 8000): Promise<Opened<MediaHarness & { bench: PlaneBench }>> {
  const bench = new PlaneBench();
  const sink = new EarSink();
  const leg = bench.accept(sink);
  if (leg === null) throw new Error('the plane refused the test call');
  const frameSamples = sampleRate / 50;
  const speech: Int16Array[] = [];
  let nextFrameMs = 0;
  const say = () => {
    if (speech.length === 0 || bench.clock.nowMs() < nextFrameMs) return;
    const frame = speech.shift() ?? new Int16Array(0);
    nextFrameMs = bench.clock.nowMs() + 20;
    leg.receive(serialiseFrame(audioKind(sampleRate), bytesOf(frame)), bench.clock.nowMs());
  };
  const pass = (ms: number) => bench.pass(ms, say);
  leg.receive(ID_FRAME, bench.clock.nowMs());
  leg.receive(serialiseFrame(audioKind(sampleRate), Buffer.alloc(frameSamples * 2)), bench.clock.nowMs());
  await pass(20);
  const transport = bench.arrivals[0]?.media;
  if (transport === undefined) throw new Error('the call did not arrive');
  const subject: MediaHarness & { bench: PlaneBench } = {
    bench,
    transport,
    isExact: true,
    stopWithinMs: 20,
    pass,
    heard: () => sink.ear.heard(),
    speak: (samples) => {
      for (let at = 0; at < samples.length; at += frameSamples) speech.push(samples.slice(at, at + frameSamples));
    },
    press: (digit) => leg.receive(serialiseFrame(0x03, Buffer.from(digit)), bench.clock.nowMs()),
    hangUp: () => leg.peerEnded(bench.clock.nowMs()),
    breakOff: () => leg.failed('ECONNRESET', bench.clock.nowMs()),
    isHungUp: () => sink.ear.isHungUp && sink.isEnded,
  };
  return { subject, close: async () => bench.door.release(leg) };
}

/** Samples as they travel. */
export function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}
