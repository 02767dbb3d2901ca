import type { ReplyId } from '../core/ids.ts';
import type { BrainInput, BrainPart, BrainSession } from '../core/ports/brain.ts';
import type { ReplyOutcome } from '../core/turn/turn-event.ts';
import { CANCELLED } from './cancelled.ts';
import { Sentences } from './sentences.ts';

/** What comes of a question to the brain. Every call names the reply it belongs to; none comes after `done` or `failed`. */
export interface ThinkingListener {
  /** Words arrived, maybe not yet a sentence. */
  thought(replyId: ReplyId): void;
  sentence(replyId: ReplyId, text: string): void;
  expected(replyId: ReplyId, expectation: Extract<BrainPart, { readonly type: 'expect' }>): void;
  noted(replyId: ReplyId, note: Extract<BrainPart, { readonly type: 'note' }>): void;
  done(replyId: ReplyId, outcome: ReplyOutcome): void;
  failed(replyId: ReplyId, error: unknown): void;
}

export type ThinkingParts = {
  readonly session: BrainSession;
  /** False for a reply that was cancelled: what comes of it is dropped. */
  readonly accept: (replyId: ReplyId) => boolean;
  readonly listener: ThinkingListener;
};

/** Asks one call's brain and cuts its answers into sentences, each handed on as soon as it is whole. */
export class Thinking {
  readonly #parts: ThinkingParts;
  #question: AbortController | null = null;

  constructor(parts: ThinkingParts) {
    this.#parts = parts;
  }

  ask(replyId: ReplyId, input: BrainInput): void {
    this.cancel();
    const question = new AbortController();
    this.#question = question;
    const { listener, accept } = this.#parts;
    this.#listenTo(replyId, input, question.signal).catch((error: unknown) => {
      if (accept(replyId)) listener.failed(replyId, error);
    });
  }

  /** Stops the answer under way. */
  cancel(): void {
    this.#question?.abort(CANCELLED);
    this.#question = null;
  }

  /** Tells the brain which of its words reached the caller. */
  heard(text: string, wasInterrupted: boolean): void {
    this.#parts.session.heard(text, wasInterrupted);
  }

  close(): void {
    this.cancel();
    this.#parts.session.close();
  }

  async #listenTo(replyId: ReplyId, input: BrainInput, signal: AbortSignal): Promise<void> {
    const { session, accept, listener } = this.#parts;
    const sentences = new Sentences();
    let outcome: ReplyOutcome = { type: 'listen' };
    for await (const part of session.respond(input, signal)) {
      if (!accept(replyId)) return;
      outcome = this.#take(replyId, part, sentences) ?? outcome;
    }
    if (!accept(replyId)) return;
    for (const sentence of sentences.finish()) listener.sentence(replyId, sentence);
    listener.done(replyId, outcome);
  }

  /** Hands a part on; returns what is to follow the reply, if the part says so. */
  #take(replyId: ReplyId, part: BrainPart, sentences: Sentences): ReplyOutcome | null {
    const { listener } = this.#parts;
    switch (part.type) {
      case 'text':
        listener.thought(replyId);
        for (const sentence of sentences.push(part.text)) listener.sentence(replyId, sentence);
        return null;
      case 'expect':
        listener.expected(replyId, part);
        return null;
      case 'note':
        listener.noted(replyId, part);
        return null;
      case 'hang_up':
        return { type: 'end', reason: 'assistant_hung_up' };
      case 'transfer':
        return { type: 'transfer', to: part.to, bookmark: part.bookmark ?? null };
    }
  }
}
