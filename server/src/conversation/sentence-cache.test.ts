import { describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import { ScriptedTextToSpeech } from '../../test/fakes/scripted-text-to-speech.ts';
import { WordBook } from '../../test/fakes/word-book.ts';
import type { SpeechChunk, SpeechRequest } from '../core/ports/text-to-speech.ts';
import { SentenceCache } from './sentence-cache.ts';

/** One word: 160 ms at 8 kHz, two bytes each. */
const WORD_BYTES = 2_560;

describe('the cache of sentences', () => {
  test('a sentence that was said to its end is not made again', async () => {
    const { cache, voice, say } = world();

    const first = await say('Hello');
    const second = await say('Hello');

    expect(voice.requests).toEqual(['Hello']);
    expect(second).toEqual(first);
    expect(cache.bytes).toBe(WORD_BYTES);
  });

  test('another voice, language or rate is another sentence', async () => {
    const { voice, say } = world();

    await say('Hello');
    await say('Hello', { voice: 'slt' });
    await say('Hello', { language: 'en-GB' });
    await say('Hello', { preferredSampleRate: 16_000 });

    expect(voice.requests).toHaveLength(4);
  });

  test('a sentence is kept at the rate of the line, its words in their places', async () => {
    const { cache } = world();
    const chunk = { samples: new Int16Array(3_200), sampleRate: 16_000, words: [{ text: 'Hello', endSample: 3_000 }] };
    const voice = {
      name: 'at 16 kHz',
      async *synthesize() {
        yield chunk;
      },
    };

    const first = await collect(cache.synthesize(voice, request('Hello'), new AbortController().signal));
    const second = await collect(cache.synthesize(voice, request('Hello'), new AbortController().signal));

    expect(first.map(({ sampleRate }) => sampleRate)).toEqual([8_000, 8_000]);
    expect(first[0]).toMatchObject({ words: [{ text: 'Hello', endSample: 1_500 }] });
    // Half of 3,200, and the tail of the filter.
    expect(first.reduce((length, { samples }) => length + samples.length, 0)).toBe(1_616);
    expect(second[0]?.samples).toBe(first[0]?.samples);
  });

  test('a sentence that was broken off is not kept', async () => {
    const { cache, voice, clock } = world();
    const abort = new AbortController();
    const chunks = collect(cache.synthesize(voice, request('one two three four'), abort.signal));
    clock.advance(50);
    await settle();

    abort.abort();
    await chunks;

    expect(cache.bytes).toBe(0);
  });

  test('when it is full the sentence unused for longest goes first', async () => {
    const { cache, voice, say } = world(WORD_BYTES * 2);

    await say('one');
    await say('two');
    await say('one');
    await say('three');
    await say('one');
    await say('two');

    expect(voice.requests).toEqual(['one', 'two', 'three', 'two']);
    expect(cache.bytes).toBe(WORD_BYTES * 2);
  });

  test('warming makes what is missing, one after the other, and does not mind failures', async () => {
    const { cache, voice, clock, say } = world();
    voice.failsOn = (text) => text === 'two';

    cache.warm(voice, [request('one'), request('two'), request('three')], new AbortController().signal);
    await clock.run(500);

    expect(voice.requests).toEqual(['one', 'two', 'three']);
    await say('three');
    expect(voice.requests).toHaveLength(3);
  });
});

function world(maxBytes?: number) {
  const clock = new FakeClock();
  const voice = new ScriptedTextToSpeech(clock, new WordBook(120, 40));
  const cache = new SentenceCache(maxBytes);
  const say = async (text: string, change: Partial<SpeechRequest> = {}) => {
    const chunks = collect(cache.synthesize(voice, { ...request(text), ...change }, new AbortController().signal));
    await clock.run(200);
    return chunks;
  };
  return { clock, voice, cache, say };
}

function request(text: string): SpeechRequest {
  return { text, language: 'en-US', preferredSampleRate: 8_000 };
}

async function collect(chunks: AsyncIterable<SpeechChunk>): Promise<SpeechChunk[]> {
  const all: SpeechChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}
