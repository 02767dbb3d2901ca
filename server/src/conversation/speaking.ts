import { PlayoutLedger } from '../audio/playout-ledger.ts';
import { Resampler } from '../audio/resampler.ts';
import { samplesPerFrame } from '../core/audio-frame.ts';
import { toAppError } from '../core/errors.ts';
import type { ReplyId } from '../core/ids.ts';
import type { Cleared, MediaTransport } from '../core/ports/media-transport.ts';
import type { SpeechChunk } from '../core/ports/text-to-speech.ts';
import { CANCELLED } from './cancelled.ts';
import { heardText } from './heard-text.ts';
import { HoldPlayout } from './hold-playout.ts';
import { LeadingQuiet } from './leading-quiet.ts';
import { ReplyAudio, SpokenSentence } from './reply-audio.ts';

/** What becomes of a reply. Every call names it. */
export interface SpeakingListener {
  /** The voice gave its first sound. */
  voiced(replyId: ReplyId): void;
  /** The wire has taken the first frame. */
  audible(replyId: ReplyId): void;
  /** More was made, or taken by the wire. */
  progressed(replyId: ReplyId): void;
  /** The first frame was heard. */
  firstHeard(replyId: ReplyId): void;
  /** The wire has taken everything; `remainingMs` of it are not yet heard. */
  queued(replyId: ReplyId, remainingMs: number): void;
  /** Everything was heard; after `queued`. */
  heard(replyId: ReplyId): void;
  failed(replyId: ReplyId, error: unknown): void;
}

/** Says one sentence. With `isCacheable` it may be kept for other calls. */
export type SentenceVoice = (text: string, isCacheable: boolean, signal: AbortSignal) => AsyncIterable<SpeechChunk>;

export type SpeakingParts = {
  readonly media: MediaTransport;
  readonly voice: SentenceVoice;
  /** How far playout may go back after a false barge-in. */
  readonly resumeRewindMs: number;
  /** False for a reply that was cancelled: what comes of it is dropped. */
  readonly accept: (replyId: ReplyId) => boolean;
  readonly listener: SpeakingListener;
};

/** Sentences made ahead of the one that plays. */
const SENTENCES_AHEAD = 1;

/**
 * One call's mouth: sentences -> voice -> the call's rate -> the wire, one reply at a time. The next sentence is made while
 * one plays; the wire takes as much as it has room for. What was heard is read from the playout ledger and nothing else.
 */
export class Speaking {
  readonly #parts: SpeakingParts;
  readonly #ledger = new PlayoutLedger();
  #reply: ReplyAudio | null = null;
  #isPaused = false;
  #hold: HoldPlayout | null = null;

  constructor(parts: SpeakingParts) {
    this.#parts = parts;
  }

  /** Starts a reply; the one before must be cut or heard. */
  begin(replyId: ReplyId, isCacheable: boolean): void {
    this.#forget();
    this.#reply = new ReplyAudio(replyId, isCacheable);
  }

  say(text: string): void {
    const reply = this.#reply;
    if (!reply) return;
    reply.sentences.push(new SpokenSentence(text, this.#parts.media.sampleRate));
    this.#makeNext(reply);
  }

  /** The reply has no further sentence. */
  finish(): void {
    if (!this.#reply) return;
    this.#reply.isFinished = true;
    this.#play(this.#reply);
  }

  /** The far side hears silence within a tick; nothing is lost. */
  pause(): void {
    this.#isPaused = true;
    this.#parts.media.pause();
  }

  /** Plays on from where the listener was, moved back to a pause between words. */
  resume(): void {
    this.#isPaused = false;
    const { media, resumeRewindMs } = this.#parts;
    media.resume(this.#rewind(Math.round((resumeRewindMs * media.sampleRate) / 1000)));
  }

  /** Drops what was not heard and stops the voice. */
  cut(): void {
    this.#reply?.abort.abort(CANCELLED);
    this.#advance();
    this.#ledger.clear(this.#parts.media.clear().heardSamples);
    // Not every wire plays on by itself after a clear: chan_websocket stays paused.
    if (this.#isPaused) this.#parts.media.resume();
    this.#isPaused = false;
  }

  /** Plays a loop, again and again, until `endHold`: the caller waits, and no reply is due. */
  hold(loop: Int16Array): void {
    this.#hold = new HoldPlayout(this.#parts.media, this.#ledger, loop);
  }

  endHold(): void {
    this.#hold?.stop();
    this.#hold = null;
  }

  /** The text of the present or last reply: meant and heard. */
  account(): { readonly text: string; readonly heardText: string } {
    const reply = this.#reply;
    if (!reply) return { text: '', heardText: '' };
    this.#advance();
    const words = heardText(reply.placed(), (from, to) => this.#ledger.wasHeard(reply.id, from, to));
    return { text: reply.text, heardText: words };
  }

  /** The wire has room again: a cut makes room too, and what was cut must not fill it. */
  writable(): void {
    this.#hold?.writable();
    const reply = this.#reply;
    if (reply && !reply.abort.signal.aborted) this.#play(reply);
  }

  /** A mark was reached. */
  played(mark: string): void {
    const reply = this.#reply;
    if (!reply || !this.#parts.accept(reply.id)) return;
    if (mark === firstMark(reply.id)) this.#parts.listener.firstHeard(reply.id);
    if (mark === lastMark(reply.id)) this.#parts.listener.heard(reply.id);
  }

  /** The wire's final word on the last `cut`. */
  cleared(cleared: Cleared): void {
    this.#ledger.correctClear(cleared.heardSamples);
  }

  /** What was sent in this stretch was not heard after all. */
  unheard(fromSample: number, toSample: number): void {
    this.#advance();
    this.#ledger.unhear(fromSample, toSample);
  }

  /** Stops the voice; no sound follows. */
  close(): void {
    this.#hold = null;
    this.#reply?.abort.abort(CANCELLED);
  }

  #forget(): void {
    if (this.#reply) this.#ledger.forget(this.#reply.id);
    this.#reply = null;
  }

  #advance(): void {
    this.#ledger.advance(this.#parts.media.position());
  }

  /** How far to go back; not at all once everything was heard. */
  #rewind(reach: number): number {
    const reply = this.#reply;
    this.#advance();
    if (!reply || (reply.isQueued && this.#ledger.isFullyHeard(reply.id))) return 0;
    return reply.rewindFrom(this.#ledger.heardOf(reply.id), reach);
  }

  /** Has the next sentence made, when it is its turn. */
  #makeNext(reply: ReplyAudio): void {
    const sentence = reply.sentences[reply.unmade];
    if (!sentence || reply.isMaking || reply.unmade > reply.playing + SENTENCES_AHEAD) return;
    reply.isMaking = true;
    reply.unmade++;
    this.#make(reply, sentence).then(
      () => {
        reply.isMaking = false;
        if (!this.#parts.accept(reply.id)) return;
        this.#play(reply);
        this.#makeNext(reply);
      },
      (error: unknown) => {
        if (this.#parts.accept(reply.id)) this.#parts.listener.failed(reply.id, error);
      },
    );
  }

  /** A voice that fails before its first sound is asked once more: most such failures are gone a moment later. */
  async #make(reply: ReplyAudio, sentence: SpokenSentence): Promise<void> {
    try {
      await this.#makeOnce(reply, sentence);
    } catch (error) {
      const canRetry = sentence.audio.length === 0 && toAppError(error).isRetryable && this.#parts.accept(reply.id);
      if (!canRetry) throw error;
      await this.#makeOnce(reply, sentence);
    }
  }

  async #makeOnce(reply: ReplyAudio, sentence: SpokenSentence): Promise<void> {
    const { voice, accept, listener } = this.#parts;
    const { signal } = reply.abort;
    let resampler: Resampler | null = null;
    // Only of a reply's first sentence: between two the quiet is their pause.
    const quiet = sentence === reply.sentences[0] ? new LeadingQuiet(this.#parts.media.sampleRate) : null;
    const add = (samples: Int16Array) => sentence.add(quiet ? quiet.push(samples) : samples);
    for await (const chunk of voice(sentence.audio.text, reply.isCacheable, signal)) {
      if (!accept(reply.id)) return;
      listener.voiced(reply.id);
      resampler ??= this.#resamplerFor(chunk.sampleRate);
      add(resampler ? resampler.convert(chunk.samples) : chunk.samples);
      sentence.audio.addWords(chunk, quiet?.dropped);
      listener.progressed(reply.id);
      this.#play(reply);
    }
    // A voice that was stopped ends as quietly as one that is done.
    if (!accept(reply.id)) return;
    if (resampler) add(resampler.flush());
    if (quiet) sentence.add(quiet.flush());
    sentence.audio.finish();
  }

  #resamplerFor(voiceRate: number): Resampler | null {
    const { sampleRate } = this.#parts.media;
    return voiceRate === sampleRate ? null : new Resampler(voiceRate, sampleRate);
  }

  /** Offers the wire what is ready, until it is full or nothing is left. */
  #play(reply: ReplyAudio): void {
    for (let isTaken = true; isTaken; ) {
      const sentence = reply.sentences[reply.playing];
      const piece = sentence?.waiting[0];
      if (sentence && piece) isTaken = this.#offer(reply, sentence, piece);
      else if (sentence?.audio.isWhole) this.#nextSentence(reply);
      else isTaken = false;
    }
    const isAllTaken = reply.playing >= reply.sentences.length;
    if (reply.isFinished && isAllTaken && !reply.isQueued) this.#queueEnd(reply);
  }

  #nextSentence(reply: ReplyAudio): void {
    reply.playing++;
    this.#makeNext(reply);
  }

  /** False when the wire is full. */
  #offer(reply: ReplyAudio, sentence: SpokenSentence, piece: Int16Array): boolean {
    const { media, listener } = this.#parts;
    const before = this.#ledger.acceptedOf(reply.id);
    // The first frame goes alone, so that its mark tells when the caller began to hear.
    const samples = before === 0 ? piece.subarray(0, samplesPerFrame(media.sampleRate)) : piece;
    const accepted = media.play({ samples, sampleRate: media.sampleRate }, reply.id);
    if (accepted > 0) {
      sentence.startSample ??= before;
      sentence.take(accepted);
      this.#ledger.accept(reply.id, accepted);
      if (before === 0) {
        media.mark(firstMark(reply.id));
        listener.audible(reply.id);
      }
      listener.progressed(reply.id);
    }
    return accepted === samples.length;
  }

  #queueEnd(reply: ReplyAudio): void {
    const { media, listener } = this.#parts;
    reply.isQueued = true;
    if (this.#ledger.acceptedOf(reply.id) === 0) {
      listener.queued(reply.id, 0);
      listener.heard(reply.id);
      return;
    }
    media.endReply(reply.id);
    media.mark(lastMark(reply.id));
    const { queued, heard } = media.position();
    listener.queued(reply.id, ((queued - heard) * 1000) / media.sampleRate);
  }
}

/** Mark ids stay short: chan_websocket ignores text messages over 128 bytes. */
function firstMark(replyId: ReplyId): string {
  return `f${replyId}`;
}

function lastMark(replyId: ReplyId): string {
  return `l${replyId}`;
}
