import { Resampler } from '../audio/resampler.ts';
import type { AppError } from '../core/errors.ts';
import type { UtteranceId } from '../core/ids.ts';
import type { SpeechToText, SpeechToTextListener, SpeechToTextSession } from '../core/ports/speech-to-text.ts';
import type {
  VoiceActivityDetector,
  VoiceActivityListener,
  VoiceActivitySession,
} from '../core/ports/voice-activity-detector.ts';
import { PreRoll } from './pre-roll.ts';

/** Voice detection and recognition both work at the telephone's rate. */
export const HEARING_RATE = 8_000;
const SAMPLES_PER_MS = HEARING_RATE / 1000;
/** Caller audio kept: the pre-roll, the windows of a suspicion and the detector's own delay fit in. */
const KEPT_MS = 2_000;
/** A hole of this length is a new beginning for the detector. */
const HOLE_MS = 200;
/** So much of a hole is given to the recogniser as silence, so that words before and after it do not melt together. */
const LONGEST_PATCH_MS = 300;

const PATCH = new Int16Array(LONGEST_PATCH_MS * SAMPLES_PER_MS);

/** When something was said, clock times. */
export type SpeechSpan = { readonly startedMs: number; readonly endedMs: number };

/** What the ears report. Of an utterance that was cancelled nothing comes any more. */
export interface HearingListener extends VoiceActivityListener {
  interim(utteranceId: UtteranceId, text: string): void;
  /** Empty text: nothing was understood. */
  recognised(utteranceId: UtteranceId, text: string, span: SpeechSpan): void;
  failed(utteranceId: UtteranceId, error: AppError): void;
}

export type HearingParts = {
  readonly vad: VoiceActivityDetector;
  readonly speechToText: SpeechToText;
  readonly language: string;
  /** Hz of the caller audio that will come. */
  readonly sampleRate: number;
  readonly listener: HearingListener;
};

/**
 * One call's ears: caller audio at any rate -> 8 kHz -> voice detection, and the recogniser while an utterance is open. What
 * came shortly before an utterance is kept, so that its first syllable is not lost.
 */
export class Hearing {
  readonly #voice: VoiceActivitySession;
  readonly #speech: SpeechToTextSession;
  readonly #preRoll = new PreRoll(KEPT_MS * SAMPLES_PER_MS);
  readonly #resampler: Resampler | null;
  #converted = new Int16Array(0);
  #open: UtteranceId | null = null;
  /** Utterances the recogniser was told of and still owes a result. */
  readonly #owed = new Map<UtteranceId, SpeechSpan>();
  #heardUntilMs: number | null = null;

  /** @throws AppError over_capacity when the detector has no slot free. */
  constructor(parts: HearingParts) {
    this.#resampler = parts.sampleRate === HEARING_RATE ? null : new Resampler(parts.sampleRate, HEARING_RATE);
    this.#voice = parts.vad.open(parts.listener);
    try {
      this.#speech = parts.speechToText.open(
        { sampleRate: HEARING_RATE, language: parts.language },
        this.#speechListener(parts.listener),
      );
    } catch (error) {
      this.#voice.close();
      throw error;
    }
  }

  /** Caller audio in order; `clockMs` is when its last sample arrived. */
  audio(view: Int16Array, clockMs: number): void {
    const samples = this.#convert(view);
    this.#noticeHole(clockMs - samples.length / SAMPLES_PER_MS);
    this.#heardUntilMs = clockMs;
    this.#preRoll.write(samples);
    if (this.#open !== null) this.#speech.write(samples);
    this.#voice.push(samples, clockMs);
  }

  /** The phrases that make sense next. */
  expect(phrases: readonly string[]): void {
    this.#speech.expect(phrases);
  }

  /** Opens an utterance that began at `fromMs`: what was kept since then goes first. */
  begin(utteranceId: UtteranceId, fromMs: number): void {
    this.#open = utteranceId;
    this.#owed.set(utteranceId, { startedMs: fromMs, endedMs: fromMs });
    this.#speech.begin(utteranceId);
    const sinceMs = (this.#heardUntilMs ?? fromMs) - fromMs;
    const kept = this.#preRoll.last(Math.round(Math.max(0, sinceMs) * SAMPLES_PER_MS));
    if (kept.length > 0) this.#speech.write(kept);
  }

  /** Has the recogniser judge what it got. */
  finish(utteranceId: UtteranceId, speechEndedMs: number): void {
    const span = this.#owed.get(utteranceId);
    if (this.#open !== utteranceId || !span) return;
    this.#open = null;
    this.#owed.set(utteranceId, { ...span, endedMs: speechEndedMs });
    this.#speech.finish();
  }

  /** Drops an utterance; for one that is finished already only its result is of no interest any more. */
  cancel(utteranceId: UtteranceId): void {
    this.#owed.delete(utteranceId);
    if (this.#open !== utteranceId) return;
    this.#open = null;
    this.#speech.cancel();
  }

  close(): void {
    this.#open = null;
    this.#owed.clear();
    this.#voice.close();
    this.#speech.close();
  }

  #speechListener(listener: HearingListener): SpeechToTextListener {
    return {
      interim: (utteranceId, text) => {
        if (this.#owed.has(utteranceId)) listener.interim(utteranceId, text);
      },
      final: (utteranceId, text) => {
        const span = this.#owed.get(utteranceId);
        if (this.#owed.delete(utteranceId) && span) listener.recognised(utteranceId, text.trim(), span);
      },
      failed: (utteranceId, error) => {
        if (this.#owed.delete(utteranceId)) listener.failed(utteranceId, error);
      },
    };
  }

  /** Phones with silence suppression, and PBXes while a key is down, send nothing at all. */
  #noticeHole(startMs: number): void {
    if (this.#heardUntilMs === null) return;
    const holeMs = startMs - this.#heardUntilMs;
    if (holeMs < HOLE_MS) return;
    this.#voice.reset();
    this.#resampler?.reset();
    const patch = PATCH.subarray(0, Math.min(LONGEST_PATCH_MS, Math.round(holeMs)) * SAMPLES_PER_MS);
    this.#preRoll.write(patch);
    if (this.#open !== null) this.#speech.write(patch);
  }

  #convert(view: Int16Array): Int16Array {
    if (this.#resampler === null) return view;
    const length = this.#resampler.outputLength(view.length);
    if (this.#converted.length < length) this.#converted = new Int16Array(length);
    return this.#converted.subarray(0, this.#resampler.process(view, this.#converted));
  }
}
