import { levelDb } from '../audio/level.ts';
import { SharedRingReader } from '../audio/shared-ring.ts';
import type { VoiceModel, VoiceStream } from '../core/ports/voice-model.ts';
import { type InferenceCommand, ROW, type StreamNumber } from './messages.ts';

/** 9.4 KB with the ring: 8.2 for half a second of audio, 0.5 for the window, 0.6 to 1.2 for the model's memory. */
type Stream = VoiceStream & {
  readonly number: StreamNumber;
  readonly ring: SharedRingReader;
  endSample: number;
  /** Losses of the ring that `endSample` knows of. */
  countedLosses: number;
  /** Losses not yet told. */
  lost: number;
};

/** The worker's work, without its thread: judges what has arrived in the rings of all calls. */
export class VoiceDesk {
  readonly #model: VoiceModel;
  readonly #streams = new Map<StreamNumber, Stream>();
  readonly #ready: Stream[] = [];

  constructor(model: VoiceModel) {
    this.#model = model;
  }

  get isIdle(): boolean {
    return this.#streams.size === 0;
  }

  obey(command: InferenceCommand): void {
    switch (command.type) {
      case 'open':
        this.#open(command.stream, new SharedRingReader(command.memory, command.position));
        break;
      case 'close':
        this.#streams.delete(command.stream);
        break;
    }
  }

  /** Judges at most one window of each call, as many at a time as the model takes. Returns their rows: none when nothing has arrived. */
  async judge(): Promise<Float64Array<ArrayBuffer>> {
    const ready = this.#ready;
    ready.length = 0;
    for (const stream of this.#streams.values()) if (this.#fetch(stream)) ready.push(stream);
    for (let start = 0; start < ready.length; start += this.#model.maxBatch) {
      await this.#model.judge(ready.slice(start, start + this.#model.maxBatch));
    }
    const rows = new Float64Array(ready.length * ROW.length);
    for (const [place, stream] of ready.entries()) writeRow(rows, place * ROW.length, stream);
    return rows;
  }

  #open(number: StreamNumber, ring: SharedRingReader): void {
    this.#streams.set(number, {
      number,
      ring,
      window: new Int16Array(this.#model.windowSamples),
      memory: new Float32Array(this.#model.memoryLength),
      probability: 0,
      endSample: 0,
      countedLosses: 0,
      lost: 0,
    });
  }

  /** Takes the next window out of the ring, if there is one. After a hole the model begins anew. */
  #fetch(stream: Stream): boolean {
    const { ring } = stream;
    const isWhole = ring.read(stream.window);
    const gone = ring.lost - stream.countedLosses;
    if (gone > 0) {
      stream.countedLosses = ring.lost;
      stream.endSample += gone;
      stream.lost += gone;
      stream.memory.fill(0);
      return this.#fetch(stream);
    }
    if (isWhole) stream.endSample += stream.window.length;
    return isWhole;
  }
}

function writeRow(rows: Float64Array, at: number, stream: Stream): void {
  rows[at + ROW.stream] = stream.number;
  rows[at + ROW.probability] = stream.probability;
  rows[at + ROW.levelDb] = levelDb(stream.window);
  rows[at + ROW.endSample] = stream.endSample;
  rows[at + ROW.lost] = stream.lost;
  stream.lost = 0;
}
