import type { SpeechChunk, SpeechRequest, TextToSpeech } from '@assistant/server/core/ports/text-to-speech';
import { expect } from 'vitest';
import { type ContractPromise, contractTests } from './contract.ts';

export type TextToSpeechSubject = {
  readonly provider: TextToSpeech;
  /** A voice the provider has; left out where voices make no difference. */
  readonly voice?: string;
  /** A voice it refuses; left out where any name is taken. */
  readonly unknownVoice?: string;
  /** Frees what the subject needs besides the provider (a loopback server). */
  readonly close?: () => Promise<void>;
};

const SENTENCE = 'Thank you for calling. How can I help you?';

/** What every text-to-speech provider promises. */
export const textToSpeechPromises: readonly ContractPromise<TextToSpeechSubject>[] = [
  {
    name: 'it has a name fit for a label',
    check: async ({ provider }) => {
      expect(provider.name).toMatch(/^[a-z][a-z0-9-]*$/);
    },
  },
  {
    name: 'a sentence becomes audible speech at one sample rate, between 30 ms and 2 s a word',
    check: async (subject) => {
      const chunks = await speak(subject);

      const words = SENTENCE.split(' ').length;
      expect(new Set(chunks.map((chunk) => chunk.sampleRate)).size).toBe(1);
      expect(chunks[0]?.sampleRate).toBeGreaterThanOrEqual(8_000);
      expect(durationSeconds(chunks)).toBeGreaterThan(words * 0.03);
      expect(durationSeconds(chunks)).toBeLessThan(words * 2);
      expect(loudest(chunks)).toBeGreaterThan(500);
    },
  },
  {
    name: 'no chunk is empty',
    check: async (subject) => {
      const chunks = await speak(subject);

      expect(chunks.filter((chunk) => chunk.samples.length === 0)).toEqual([]);
    },
  },
  {
    name: 'word ends, where told, rise and lie within the audio that came so far',
    check: async (subject) => {
      let arrived = 0;
      let last = 0;
      for (const chunk of await speak(subject)) {
        arrived += chunk.samples.length;
        for (const word of chunk.words ?? []) {
          expect(word.endSample).toBeGreaterThanOrEqual(last);
          expect(word.endSample).toBeLessThanOrEqual(arrived);
          last = word.endSample;
        }
      }
    },
  },
  {
    name: 'a longer text takes longer to say',
    check: async (subject) => {
      const short = await speak(subject, { text: 'Goodbye.' });
      const long = await speak(subject, { text: `${SENTENCE} ${SENTENCE}` });

      expect(durationSeconds(long)).toBeGreaterThan(durationSeconds(short));
    },
  },
  {
    name: 'sentences asked for at the same time each come whole',
    check: async (subject) => {
      const alone = durationSeconds(await speak(subject));

      const together = await Promise.all([1, 2, 3].map(() => speak(subject)));

      // Room for engines that never say a thing the same way twice.
      for (const chunks of together) expect(durationSeconds(chunks)).toBeGreaterThan(alone * 0.7);
    },
  },
  {
    name: 'a signal aborted before the start: no chunk and no error',
    check: async (subject) => {
      expect(await speak(subject, {}, AbortSignal.abort())).toEqual([]);
    },
  },
  {
    name: 'a signal aborted on the way: the stream ends quietly and the next sentence is whole',
    check: async (subject) => {
      const abort = new AbortController();
      const cut = speak(subject, {}, abort.signal);
      abort.abort();

      expect(await cut).toEqual([]);
      expect(durationSeconds(await speak(subject))).toBeGreaterThan(0);
    },
  },
  {
    name: 'a listener that stops reading disturbs nobody',
    check: async (subject) => {
      for await (const _chunk of subject.provider.synthesize(requestOf(subject), new AbortController().signal)) break;

      expect(durationSeconds(await speak(subject))).toBeGreaterThan(0);
    },
  },
  {
    name: 'a text without a word makes no sound and no error',
    check: async (subject) => {
      expect(loudest(await speak(subject, { text: ' … ' }))).toBeLessThan(500);
    },
  },
  {
    name: 'a voice it does not have is refused, by its name',
    check: async (subject) => {
      if (subject.unknownVoice === undefined) return;

      await expect(speak(subject, { voice: subject.unknownVoice })).rejects.toMatchObject({
        name: 'AppError',
        code: 'provider_refused',
        message: expect.stringContaining(subject.unknownVoice),
      });
    },
  },
  {
    name: 'after it was disposed of, a request fails instead of hanging',
    check: async (subject) => {
      await subject.provider[Symbol.asyncDispose]();

      await expect(speak(subject)).rejects.toMatchObject({ name: 'AppError', code: 'provider_failed' });
    },
  },
  {
    name: 'disposing twice does no harm',
    check: async ({ provider }) => {
      await provider[Symbol.asyncDispose]();

      await expect(provider[Symbol.asyncDispose]()).resolves.toBeUndefined();
    },
  },
];

/** The promises as tests; `open` makes a provider for each. */
export function textToSpeechContract(open: () => Promise<TextToSpeechSubject>): void {
  contractTests('text to speech contract', textToSpeechPromises, async () => {
    const subject = await open();
    return {
      subject,
      close: async () => {
        await subject.provider[Symbol.asyncDispose]();
        await subject.close?.();
      },
    };
  });
}

function requestOf(subject: TextToSpeechSubject, request: Partial<SpeechRequest> = {}): SpeechRequest {
  const voice = subject.voice === undefined ? {} : { voice: subject.voice };
  return { text: SENTENCE, language: 'en-US', preferredSampleRate: 8_000, ...voice, ...request };
}

async function speak(
  subject: TextToSpeechSubject,
  request: Partial<SpeechRequest> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of subject.provider.synthesize(requestOf(subject, request), signal)) chunks.push(chunk);
  return chunks;
}

function durationSeconds(chunks: readonly SpeechChunk[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.samples.length / chunk.sampleRate, 0);
}

function loudest(chunks: readonly SpeechChunk[]): number {
  return chunks.reduce((peak, chunk) => chunk.samples.reduce((top, value) => Math.max(top, Math.abs(value)), peak), 0);
}
