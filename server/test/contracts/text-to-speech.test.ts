import { AppError } from '@assistant/server/core/errors';
import type { SpeechChunk, SpeechRequest, TextToSpeech } from '@assistant/server/core/ports/text-to-speech';
import { describe, expect, test } from 'vitest';
import { brokenPromises } from './contract.ts';
import { type TextToSpeechSubject, textToSpeechContract, textToSpeechPromises } from './text-to-speech.ts';

/** A voice of beeps: 100 ms a word at 8 kHz, as good as the contract asks for. */
class BeepingVoice implements TextToSpeech {
  readonly name: string = 'beeps';
  protected isDisposed = false;

  async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
    await Promise.resolve();
    if (this.isDisposed) throw new AppError('provider_failed', { detail: 'beeps is shut down' });
    if (request.voice === 'nobody') throw new AppError('provider_refused', { detail: 'no voice nobody' });
    for (const _word of request.text.match(/\w+/g) ?? []) {
      if (signal.aborted) return;
      yield { samples: new Int16Array(800).fill(1_000), sampleRate: 8_000 };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }
}

describe('a provider that keeps the contract', () => {
  textToSpeechContract(async () => ({ provider: new BeepingVoice(), unknownVoice: 'nobody' }));
});

describe('the contract turns red', () => {
  test('on a voice that ignores the signal', async () => {
    class Deaf extends BeepingVoice {
      override synthesize(request: SpeechRequest): AsyncIterable<SpeechChunk> {
        return super.synthesize(request, new AbortController().signal);
      }
    }

    expect(await broken(new Deaf())).toEqual([
      'a signal aborted before the start: no chunk and no error',
      'a signal aborted on the way: the stream ends quietly and the next sentence is whole',
    ]);
  });

  test('on a voice that takes any voice name and throws when cut', async () => {
    class Careless extends BeepingVoice {
      override async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
        const { voice: _voice, ...rest } = request;
        await Promise.resolve();
        signal.throwIfAborted();
        yield* super.synthesize(rest, signal);
      }
    }

    expect(await broken(new Careless())).toEqual([
      'a signal aborted before the start: no chunk and no error',
      'a signal aborted on the way: the stream ends quietly and the next sentence is whole',
      'a voice it does not have is refused, by its name',
    ]);
  });

  test('on silence, empty chunks, words out of order and life after death', async () => {
    class Broken extends BeepingVoice {
      override readonly name = 'Broken Voice';

      override async *synthesize(): AsyncIterable<SpeechChunk> {
        yield { samples: new Int16Array(0), sampleRate: 8_000, words: [{ text: 'a', endSample: 9 }] };
        yield { samples: new Int16Array(800), sampleRate: 16_000 };
      }
    }

    expect(await broken(new Broken())).toEqual([
      'it has a name fit for a label',
      'a sentence becomes audible speech at one sample rate, between 30 ms and 2 s a word',
      'no chunk is empty',
      'word ends, where told, rise and lie within the audio that came so far',
      'a longer text takes longer to say',
      'a signal aborted before the start: no chunk and no error',
      'a signal aborted on the way: the stream ends quietly and the next sentence is whole',
      'a voice it does not have is refused, by its name',
      'after it was disposed of, a request fails instead of hanging',
    ]);
  });

  test('on a voice that keeps one sentence for all', async () => {
    class Mixed extends BeepingVoice {
      #isTalking = false;

      override async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
        if (this.#isTalking) return;
        this.#isTalking = true;
        yield* super.synthesize(request, signal);
        this.#isTalking = false;
      }

      override async [Symbol.asyncDispose](): Promise<void> {
        if (this.isDisposed) throw new Error('twice');
        this.isDisposed = true;
      }
    }

    expect(await broken(new Mixed())).toEqual([
      'sentences asked for at the same time each come whole',
      'a listener that stops reading disturbs nobody',
      'disposing twice does no harm',
    ]);
  });
});

async function broken(provider: TextToSpeech): Promise<string[]> {
  return brokenPromises<TextToSpeechSubject>(textToSpeechPromises, async () => {
    const fresh = Object.getPrototypeOf(provider).constructor as new () => TextToSpeech;
    return { subject: { provider: new fresh(), unknownVoice: 'nobody' }, close: async () => undefined };
  });
}
