import { samplesPerFrame } from '../core/audio-frame.ts';
import { audioKind, HEADER_BYTES, writeHeader } from '../protocols/audiosocket/frame.ts';
import { bump, COUNTER, type CounterMemory } from './media-counters.ts';

/** One outgoing AudioSocket frame: header and payload in one buffer, the payload also as samples. */
export type PooledFrame = {
  readonly bytes: Buffer;
  readonly samples: Int16Array;
  /** The write callback: only then may the buffer be used again. */
  readonly written: () => void;
};

/** Frames of one sample rate, made when needed and used again. NOTE: samples are in the machine's order, which Node has little-endian wherever it runs today. */
export class FramePool {
  readonly #free: PooledFrame[] = [];
  readonly #sampleRate: number;
  /** The frame of silence: never changed, so it may be in any number of writes at once. */
  readonly silence: PooledFrame;
  readonly #counters: CounterMemory;

  constructor(sampleRate: number, counters: CounterMemory) {
    this.#sampleRate = sampleRate;
    this.#counters = counters;
    this.silence = this.#make(() => {});
  }

  take(): PooledFrame {
    bump(this.#counters, COUNTER.framesInUse);
    return this.#free.pop() ?? this.#makeReusable();
  }

  give(frame: PooledFrame): void {
    bump(this.#counters, COUNTER.framesInUse, -1);
    this.#free.push(frame);
  }

  #makeReusable(): PooledFrame {
    const frame: PooledFrame = this.#make(() => this.give(frame));
    return frame;
  }

  #make(written: () => void): PooledFrame {
    const payloadBytes = samplesPerFrame(this.#sampleRate) * Int16Array.BYTES_PER_ELEMENT;
    // One byte of room before the header puts the payload on an even address.
    const memory = new ArrayBuffer(1 + HEADER_BYTES + payloadBytes);
    const bytes = Buffer.from(memory, 1);
    writeHeader(bytes, audioKind(this.#sampleRate), payloadBytes);
    return { bytes, samples: new Int16Array(memory, 1 + HEADER_BYTES), written };
  }
}
