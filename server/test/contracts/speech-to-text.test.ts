import { AppError } from '@assistant/server/core/errors';
import type { UtteranceId } from '@assistant/server/core/ids';
import type {
  SpeechToText,
  SpeechToTextListener,
  SpeechToTextOptions,
  SpeechToTextSession,
} from '@assistant/server/core/ports/speech-to-text';
import { describe, expect, test } from 'vitest';
import { brokenPromises } from './contract.ts';
import { type SpeechToTextSubject, speechToTextContract, speechToTextPromises } from './speech-to-text.ts';

const HELLO = new Int16Array(1_600).fill(7);
const GOODBYE = new Int16Array(2_400).fill(9);

/** Hears the mean of the samples: 7 is hello, 9 is goodbye. Broken in the one way a test asks for. */
class LevelRecogniser implements SpeechToText {
  readonly name = 'levels';
  readonly capabilities = { hasInterim: false, isGrammarOnly: false };
  readonly #fault: Fault;
  #isDisposed = false;

  constructor(fault: Fault = 'none') {
    this.#fault = fault;
  }

  open(_options: SpeechToTextOptions, listener: SpeechToTextListener): SpeechToTextSession {
    const fault = this.#fault;
    const isDisposed = () => this.#isDisposed;
    let current: UtteranceId | null = null;
    let parts: Int16Array[] = [];
    let isClosed = false;
    const answer = (utteranceId: UtteranceId, text: string) => {
      if (isClosed && fault !== 'talks after close') return;
      if (isDisposed()) listener.failed(utteranceId, new AppError('provider_failed'));
      else listener.final(utteranceId, text);
      if (fault === 'answers twice') listener.final(utteranceId, text);
      if (fault === 'interim after final') listener.interim(utteranceId, text);
    };
    return {
      expect: () => undefined,
      begin: (utteranceId) => {
        current = utteranceId;
        if (fault !== 'keeps cancelled audio') parts = [];
      },
      write: (samples) => {
        if (fault === 'throws' && current === null) throw new Error('begin first');
        parts.push(fault === 'keeps the array' ? samples : samples.slice());
      },
      finish: () => {
        if (current === null) return;
        const utteranceId = current;
        current = null;
        const words = wordsOf(parts);
        parts = [];
        if (fault === 'answers inside the verb') answer(utteranceId, words);
        else setImmediate(() => answer(utteranceId, words));
      },
      cancel: () => {
        current = null;
      },
      close: () => {
        isClosed = true;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#fault === 'disposes once' && this.#isDisposed) throw new Error('twice');
    this.#isDisposed = this.#fault !== 'lives on';
  }
}

type Fault =
  | 'none'
  | 'answers twice'
  | 'interim after final'
  | 'keeps cancelled audio'
  | 'throws'
  | 'keeps the array'
  | 'answers inside the verb'
  | 'talks after close'
  | 'disposes once'
  | 'lives on';

function wordsOf(parts: readonly Int16Array[]): string {
  const all = parts.flatMap((part) => [...part]);
  if (all.length === 0) return '';
  const mean = all.reduce((sum, sample) => sum + sample, 0) / all.length;
  return mean === 7 ? 'hello' : mean === 9 ? 'goodbye' : 'noise';
}

function subjectOf(fault: Fault = 'none'): SpeechToTextSubject {
  return {
    provider: new LevelRecogniser(fault),
    sayings: [
      { samples: HELLO, words: 'hello' },
      { samples: GOODBYE, words: 'goodbye' },
    ],
  };
}

describe('a provider that keeps the contract', () => {
  speechToTextContract(async () => subjectOf());
});

describe('the contract turns red on a provider that', () => {
  test.each<[Fault, string]>([
    ['answers twice', 'each finished utterance is answered exactly once'],
    ['interim after final', 'interim words come only where the capabilities say so, and never after the final ones'],
    ['keeps cancelled audio', 'a cancelled utterance is never answered, and its audio is not in the next'],
    ['throws', 'verbs out of order do nothing and throw nothing'],
    ['keeps the array', 'audio is copied: the writer may reuse its array at once'],
    ['answers inside the verb', 'no answer comes before the verb that asked for it has returned'],
    ['talks after close', 'after close nothing is answered and no verb throws'],
    ['disposes once', 'disposing twice does no harm'],
    ['lives on', 'disposing answers what is under way, as failed or with its words, and later utterances as failed'],
  ])('%s', async (fault, promise) => {
    const broken = await brokenPromises(speechToTextPromises, async () => ({
      subject: subjectOf(fault),
      close: async () => undefined,
    }));

    expect(broken).toContain(promise);
  });
});
