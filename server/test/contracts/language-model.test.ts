import type { LanguageModel, ModelPart, ModelRequest } from '@assistant/server/core/ports/language-model';
import { describe, expect, test } from 'vitest';
import { brokenPromises } from './contract.ts';
import { languageModelContract, languageModelPromises, TOOL_WORDS } from './language-model.ts';

type Fault =
  | 'none'
  | 'swallows a word'
  | 'one piece'
  | 'arguments as text'
  | 'forgets the result'
  | 'mixes'
  | 'deaf'
  | 'throws on abort';

/** Repeats the last thing it was told; broken in the one way a test asks for. */
class Parrot implements LanguageModel {
  readonly name = 'parrot';
  readonly #fault: Fault;
  #shared = '';

  constructor(fault: Fault = 'none') {
    this.#fault = fault;
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart> {
    if (this.#fault === 'throws on abort') signal.throwIfAborted();
    const isAborted = () => signal.aborted && this.#fault !== 'deaf';
    if (isAborted()) return;
    const last = request.messages.at(-1);
    if (last?.role === 'user' && last.text === TOOL_WORDS) {
      const args = this.#fault === 'arguments as text' ? '{"number": 42}' : { number: 42 };
      yield { type: 'tool-call', id: 'call_1', name: 'look_up', args };
      return;
    }
    const heard = last?.role === 'tool-result' && this.#fault !== 'forgets the result' ? String(last.result) : '';
    this.#shared = last?.role === 'user' ? last.text : heard;
    const words = this.#shared;
    await Promise.resolve();
    const pieces = this.#fault === 'one piece' ? [words] : words.split(/(?<= )/);
    for (const piece of this.#fault === 'mixes' ? this.#shared.split(/(?<= )/) : pieces) {
      if (this.#fault === 'throws on abort') signal.throwIfAborted();
      if (isAborted()) return;
      if (this.#fault === 'swallows a word' && piece === 'three ') continue;
      yield { type: 'text', text: piece };
    }
  }
}

describe('a model that keeps the contract', () => {
  languageModelContract(async () => ({ model: new Parrot(), answerTo: (words) => words }));
});

describe('the contract turns red on a model that', () => {
  test.each<[Fault, string]>([
    ['swallows a word', 'an answer comes as text in order, nothing of it lost, no piece empty'],
    ['one piece', 'an answer comes in pieces, not at the end'],
    ['arguments as text', 'a tool call comes whole, with its arguments read, and ends the stream'],
    ['forgets the result', "a tool's result goes back to the model, which goes on from it"],
    ['mixes', 'answers asked for at the same time do not mix'],
    ['deaf', 'a signal aborted before the start: no part and no error'],
    ['throws on abort', 'a signal aborted on the way: no further part and no error, and the next answer is whole'],
  ])('%s', async (fault, promise) => {
    const broken = await brokenPromises(languageModelPromises, async () => ({
      subject: { model: new Parrot(fault), answerTo: (words: string) => words },
      close: async () => undefined,
    }));

    expect(broken).toContain(promise);
  });
});
