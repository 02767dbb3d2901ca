import { toAppError } from '../core/errors.ts';
import type { ReplyId } from '../core/ids.ts';
import type { BrainInput, BrainPart, BrainSession } from '../core/ports/brain.ts';
import type { SpeechRequest } from '../core/ports/text-to-speech.ts';
import type { InputTiming } from '../core/turn/turn-effect.ts';
import type { ReplyOutcome, TurnEvent } from '../core/turn/turn-event.ts';
import { CANCELLED } from './cancelled.ts';
import type { ConversationParts } from './conversation-parts.ts';
import type { EventBody } from './event-body.ts';
import type { Stage } from './reply-timeline.ts';
import { splitSentences } from './sentences.ts';
import type { SpeakingListener } from './speaking.ts';
import { Speaking } from './speaking.ts';
import type { ThinkingListener } from './thinking.ts';
import { Thinking } from './thinking.ts';
import type { TurnLog } from './turn-log.ts';

type Expectation = Extract<BrainPart, { readonly type: 'expect' }>;

/** A reply of which the brain and the record have not been told what was heard. */
type OpenReply = {
  readonly id: ReplyId;
  readonly isFromBrain: boolean;
  outcome: ReplyOutcome;
  expectation: Expectation | null;
  isAudible: boolean;
  /** Null: nobody interrupted it. */
  cut: { readonly atMs: number; readonly wasHeard: boolean } | null;
};

export type ReplyingParts = {
  readonly call: ConversationParts;
  readonly session: BrainSession;
  readonly turnLog: TurnLog;
  /** False for a reply that was cancelled: what comes of it is dropped. */
  readonly accept: (replyId: ReplyId) => boolean;
  readonly happen: (event: EventBody<TurnEvent>) => void;
  /** The phrases the brain waits for now. */
  readonly expect: (phrases: readonly string[]) => void;
};

/** One call's replies, one after the other: brain -> sentences -> voice, until it is known what was heard. */
export class Replying {
  readonly #parts: ReplyingParts;
  readonly #thinking: Thinking;
  readonly #speaking: Speaking;
  readonly #warming = new AbortController();
  #open: OpenReply | null = null;

  constructor(parts: ReplyingParts) {
    const { call, session, accept } = parts;
    this.#parts = parts;
    this.#thinking = new Thinking({ session, accept, listener: this.#thinkingListener() });
    this.#speaking = new Speaking({
      media: call.media,
      accept,
      resumeRewindMs: call.settings.turn.resumeRewindMs,
      listener: this.#speakingListener(),
      voice: (text, isCacheable, signal) => {
        const request = this.#speechRequest(text);
        if (!isCacheable) return call.textToSpeech.synthesize(request, signal);
        return call.sentences.synthesize(call.textToSpeech, request, signal);
      },
    });
  }

  /** The mouth, for what the wire reports. */
  get speaking(): Speaking {
    return this.#speaking;
  }

  /** Has the brain answer. @param timing null for the greeting. */
  ask(replyId: ReplyId, input: BrainInput, timing: InputTiming | null): void {
    const repeats = input.type === 'started' || this.#parts.call.brain.repeatsSentences === true;
    this.#begin(replyId, repeats, timing);
    this.#thinking.ask(replyId, input);
  }

  /** Says sentences of our own. */
  say(replyId: ReplyId, text: string): void {
    this.#begin(replyId, true);
    for (const sentence of splitSentences(text)) this.#speaking.say(sentence);
    this.#speaking.finish();
  }

  /** Stops the reply and drops what was not heard. */
  cancel(replyId: ReplyId): void {
    const reply = this.#open;
    if (reply?.id !== replyId || reply.cut !== null) return;
    this.#thinking.cancel();
    this.#speaking.cut();
    const wasHeard = this.#speaking.account().heardText !== '';
    reply.cut = { atMs: this.#now(), wasHeard };
    this.#parts.happen({ type: 'reply_cut', replyId, wasHeard });
  }

  /**
   * Tells the brain and the record what was heard of the last reply. For a cancelled one that is not before the caller was
   * understood: until then the wire may correct what it said about the clear.
   */
  settle(): void {
    const reply = this.#open;
    if (!reply) return;
    this.#open = null;
    const { cut } = reply;
    const account = this.#speaking.account();
    // What was acted upon as unheard stays so.
    const heardText = cut?.wasHeard === false ? '' : account.heardText;
    const wasInterrupted = cut !== null;
    if (reply.isFromBrain) this.#thinking.heard(heardText, wasInterrupted);
    const told = { text: account.text, heardText, wasInterrupted };
    const waitedMs = this.#parts.turnLog.endReply(cut?.atMs ?? this.#now(), told);
    if (waitedMs !== null) this.#parts.call.metrics.observe('turn_response_seconds', waitedMs / 1000);
  }

  /** Settles a reply that was cancelled: the caller's words come behind it in the record. */
  settleCancelled(): void {
    if (this.#open?.cut) this.settle();
  }

  /** Cuts what is still being said, settles it and lets go of everything. */
  close(): void {
    if (this.#open) this.cancel(this.#open.id);
    this.settle();
    this.#warming.abort(CANCELLED);
    this.#thinking.close();
    this.#speaking.close();
  }

  #begin(replyId: ReplyId, isCacheable: boolean, timing?: InputTiming | null): void {
    this.settle();
    this.#parts.turnLog.beginReply(this.#now(), timing);
    this.#open = {
      id: replyId,
      isFromBrain: timing !== undefined,
      outcome: { type: 'listen' },
      expectation: null,
      isAudible: false,
      cut: null,
    };
    this.#speaking.begin(replyId, isCacheable);
  }

  #thinkingListener(): ThinkingListener {
    const { happen, turnLog } = this.#parts;
    return {
      thought: (replyId) => {
        this.#reach('firstTokenMs');
        happen({ type: 'reply_progress', replyId });
      },
      sentence: (_replyId, text) => {
        this.#reach('firstSentenceMs');
        this.#speaking.say(text);
      },
      expected: (_replyId, expectation) => {
        if (!this.#open) return;
        this.#open.expectation = expectation;
        // A question that is being said may be answered before its end.
        if (this.#open.isAudible) this.#applyExpectation();
      },
      noted: (_replyId, { name, data }) => turnLog.event(name, this.#now(), data),
      done: (_replyId, outcome) => {
        if (this.#open) this.#open.outcome = outcome;
        this.#speaking.finish();
      },
      failed: (replyId, error) => this.#failed('brain', replyId, error),
    };
  }

  #speakingListener(): SpeakingListener {
    const { happen } = this.#parts;
    return {
      voiced: () => this.#reach('firstTtsByteMs'),
      audible: (replyId) => {
        this.#reach('firstFrameSentMs');
        if (this.#open) this.#open.isAudible = true;
        this.#applyExpectation();
        happen({ type: 'reply_audible', replyId });
      },
      progressed: (replyId) => happen({ type: 'reply_progress', replyId }),
      firstHeard: () => this.#reach('firstFramePlayedMs'),
      queued: (replyId, remainingMs) => {
        this.#applyExpectation();
        happen({ type: 'reply_complete', replyId, outcome: this.#open?.outcome ?? { type: 'listen' }, remainingMs });
        this.#warm();
      },
      heard: (replyId) => happen({ type: 'reply_heard', replyId }),
      failed: (replyId, error) => this.#failed('voice', replyId, error),
    };
  }

  #failed(part: 'brain' | 'voice', replyId: ReplyId, error: unknown): void {
    const { call, happen } = this.#parts;
    const { code, message } = toAppError(error);
    call.metrics.count('part_failures_total', { part, code });
    call.log.warn('conversation.part_failed', { contextId: call.context.contextId, part, code, message });
    happen({ type: 'reply_failed', replyId, part });
  }

  /** What the brain waits for holds once its question is on the way, not before. */
  #applyExpectation(): void {
    const expectation = this.#open?.expectation;
    if (!this.#open || !expectation) return;
    this.#open.expectation = null;
    this.#parts.expect(expectation.phrases);
    this.#parts.happen({ type: 'digits_expected', maxDigits: expectation.maxDigits });
  }

  /** Once the greeting is out: has the sentences made that must be there when the voice is not. */
  #warm(): void {
    const { settings, sentences, textToSpeech } = this.#parts.call;
    const { idleQuestion, idleGoodbye, maxDurationGoodbye } = settings.turn;
    const texts = [settings.errorSentence, idleQuestion, idleGoodbye, maxDurationGoodbye].flatMap(splitSentences);
    const requests = texts.map((text) => this.#speechRequest(text));
    sentences.warm(textToSpeech, requests, this.#warming.signal);
  }

  #speechRequest(text: string): SpeechRequest {
    const { settings, media } = this.#parts.call;
    const { voice } = settings.textToSpeech;
    const request = { text, language: settings.language, preferredSampleRate: media.sampleRate };
    return voice === undefined ? request : { ...request, voice };
  }

  #reach(stage: Stage): void {
    this.#parts.turnLog.reach(stage, this.#now());
  }

  #now(): number {
    return this.#parts.call.clock.nowMs();
  }
}
