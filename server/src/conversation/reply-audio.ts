import type { ReplyId } from '../core/ids.ts';
import type { PlacedSentence } from './heard-text.ts';
import { SentenceAudio } from './sentence-audio.ts';

/** One sentence on its way to the ear: made in pieces by the voice, taken in pieces by the wire. */
export class SpokenSentence {
  readonly audio: SentenceAudio;
  /** Made and not yet taken, oldest first. */
  readonly waiting: Int16Array[] = [];
  /** Samples of the reply before its first one; null until that was taken. */
  startSample: number | null = null;

  constructor(text: string, sampleRate: number) {
    this.audio = new SentenceAudio(text, sampleRate);
  }

  add(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.audio.add(samples);
    this.waiting.push(samples);
  }

  /** Takes the first `count` samples of the oldest piece off the queue. */
  take(count: number): void {
    const [piece] = this.waiting;
    if (piece === undefined) return;
    if (count >= piece.length) this.waiting.shift();
    else this.waiting[0] = piece.subarray(count);
  }
}

/** One reply on its way to the ear: its sentences in order, and how far each has come. */
export class ReplyAudio {
  readonly id: ReplyId;
  /** Its sentences will be said again in other calls. */
  readonly isCacheable: boolean;
  readonly abort = new AbortController();
  readonly sentences: SpokenSentence[] = [];
  /** The sentence the wire takes, and the first one the voice has not begun. */
  playing = 0;
  unmade = 0;
  isMaking = false;
  /** No further sentence will come. */
  isFinished = false;
  /** The wire has taken everything. */
  isQueued = false;

  constructor(id: ReplyId, isCacheable: boolean) {
    this.id = id;
    this.isCacheable = isCacheable;
  }

  /** What it was meant to say, as far as it is known. */
  get text(): string {
    return this.sentences.map((sentence) => sentence.audio.text).join(' ');
  }

  /** The sentences of which the wire has taken something. */
  placed(): PlacedSentence[] {
    return this.sentences.flatMap(({ audio, startSample }) => (startSample === null ? [] : [{ audio, startSample }]));
  }

  /** How far to go back from a heard position for a clean start, in samples. */
  rewindFrom(heardSample: number, reach: number): number {
    const sentence = this.placed().findLast(({ startSample }) => startSample <= heardSample);
    if (!sentence) return 0;
    const inSentence = heardSample - sentence.startSample;
    return inSentence - sentence.audio.pauseBefore(inSentence, reach);
  }
}
