import type { LanguageModel, ModelPart, ModelRequest, ModelTool } from '@assistant/server/core/ports/language-model';
import { expect } from 'vitest';
import { type ContractPromise, contractTests } from './contract.ts';

/** A model that answers in a known way: it repeats what the user said last, in at least two pieces, and calls the tool
 *  `look_up` with `{"number": 42}` when the user says "look it up"; a tool's result it repeats like the user's words. */
export type LanguageModelSubject = {
  readonly model: LanguageModel;
  /** What the model makes of the user's words, or of a tool's result. */
  readonly answerTo: (words: string) => string;
  /** Frees what the subject needs besides the model (a loopback server). */
  readonly close?: () => Promise<void>;
};

const LOOK_UP: ModelTool = {
  name: 'look_up',
  description: 'Looks a number up',
  parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
};
export const TOOL_WORDS = 'look it up';
const WORDS = 'one two three four five';

/** What every language model promises. */
export const languageModelPromises: readonly ContractPromise<LanguageModelSubject>[] = [
  {
    name: 'it has a name fit for a label',
    check: async ({ model }) => {
      expect(model.name).toMatch(/^[a-z][a-z0-9-]*$/);
    },
  },
  {
    name: 'an answer comes as text in order, nothing of it lost, no piece empty',
    check: async ({ model, answerTo }) => {
      const parts = await ask(model, said(WORDS));

      expect(textOf(parts)).toBe(answerTo(WORDS));
      expect(parts.filter((part) => part.type === 'text' && part.text === '')).toEqual([]);
    },
  },
  {
    name: 'an answer comes in pieces, not at the end',
    check: async ({ model }) => {
      expect((await ask(model, said(WORDS))).length).toBeGreaterThan(1);
    },
  },
  {
    name: 'a tool call comes whole, with its arguments read, and ends the stream',
    check: async ({ model }) => {
      const parts = await ask(model, said(TOOL_WORDS));

      expect(parts).toEqual([
        { type: 'tool-call', id: expect.stringMatching(/./), name: 'look_up', args: { number: 42 } },
      ]);
    },
  },
  {
    name: "a tool's result goes back to the model, which goes on from it",
    check: async ({ model, answerTo }) => {
      const parts = await ask(model, {
        ...said(TOOL_WORDS),
        messages: [
          { role: 'assistant', text: 'Hello.' },
          { role: 'user', text: TOOL_WORDS },
          { role: 'assistant', text: 'One moment.' },
          { role: 'tool-call', id: 'call_1', name: 'look_up', args: { number: 42 } },
          { role: 'tool-result', id: 'call_1', name: 'look_up', result: 'blue' },
        ],
      });

      expect(textOf(parts)).toBe(answerTo('blue'));
    },
  },
  {
    name: 'answers asked for at the same time do not mix',
    check: async ({ model, answerTo }) => {
      const answers = await Promise.all(['a b c', 'd e f', 'g h i'].map((words) => ask(model, said(words))));

      expect(answers.map(textOf)).toEqual(['a b c', 'd e f', 'g h i'].map(answerTo));
    },
  },
  {
    name: 'a signal aborted before the start: no part and no error',
    check: async ({ model }) => {
      expect(await ask(model, said(WORDS), AbortSignal.abort())).toEqual([]);
    },
  },
  {
    name: 'a signal aborted on the way: no further part and no error, and the next answer is whole',
    check: async ({ model, answerTo }) => {
      const abort = new AbortController();
      const parts: ModelPart[] = [];
      for await (const part of model.stream(said(WORDS), abort.signal)) {
        parts.push(part);
        abort.abort();
      }

      expect(parts).toHaveLength(1);
      expect(textOf(await ask(model, said(WORDS)))).toBe(answerTo(WORDS));
    },
  },
  {
    name: 'a listener that stops reading disturbs nobody',
    check: async ({ model, answerTo }) => {
      for await (const _part of model.stream(said(WORDS), new AbortController().signal)) break;

      expect(textOf(await ask(model, said(WORDS)))).toBe(answerTo(WORDS));
    },
  },
];

/** The promises as tests; `open` makes a model for each. */
export function languageModelContract(open: () => Promise<LanguageModelSubject>): void {
  contractTests('language model contract', languageModelPromises, async () => {
    const subject = await open();
    return { subject, close: async () => subject.close?.() };
  });
}

function said(words: string): ModelRequest {
  return { instructions: 'Repeat.', messages: [{ role: 'user', text: words }], tools: [LOOK_UP] };
}

async function ask(
  model: LanguageModel,
  request: ModelRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of model.stream(request, signal)) parts.push(part);
  return parts;
}

function textOf(parts: readonly ModelPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
