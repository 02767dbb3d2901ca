import { describe, expect, test } from 'vitest';
import { CONTEXT, settingsWith } from '../../test/fakes/call-world.ts';
import { ScriptedLanguageModel } from '../../test/fakes/scripted-language-model.ts';
import type { BrainCall, BrainInput, BrainPart, BrainSession } from '../core/ports/brain.ts';
import { modelBrain } from './model-brain.ts';

const text = (words: string) => ({ type: 'text', text: words }) as const;
const calls = (name: string, args: unknown = {}) => ({ type: 'tool-call', id: 'c1', name, args }) as const;

describe('a brain with a language model', () => {
  test('greets with the sentence of the settings, without asking the model', async () => {
    const model = new ScriptedLanguageModel([]);
    const session = modelBrain(model, { instructions: '', greeting: 'Hello there.' }).open(call());

    expect(await answer(session, { type: 'started' })).toEqual([text('Hello there.')]);
    expect(model.requests).toEqual([]);
  });

  test('remembers of its own words only those that were heard', async () => {
    const model = new ScriptedLanguageModel([[text('We open at nine and close at five.')], []]);
    const session = modelBrain(model, { instructions: '', greeting: 'Hello.' }).open(call());
    await answer(session, { type: 'started' });
    session.heard('Hello.', false);

    await answer(session, { type: 'said', text: 'when do you open' });
    session.heard('We open at nine', true);
    await answer(session, { type: 'said', text: 'and on Sundays' });

    expect(model.requests[1]?.messages).toEqual([
      { role: 'assistant', text: 'Hello.' },
      { role: 'user', text: 'when do you open' },
      { role: 'assistant', text: 'We open at nine' },
      { role: 'user', text: 'and on Sundays' },
    ]);
  });

  test('an answer of which nothing was heard did not happen: the question comes again once', async () => {
    const model = new ScriptedLanguageModel([[text('Which day?')], []]);
    const session = modelBrain(model, { instructions: '', greeting: 'Hello.' }).open(call());

    await answer(session, { type: 'said', text: 'I want to' });
    session.heard('', true);
    await answer(session, { type: 'said', text: 'I want to book a table' });

    expect(model.requests[1]?.messages).toEqual([{ role: 'user', text: 'I want to book a table' }]);
  });

  test('the tool hang_up ends the call after what was said', async () => {
    const model = new ScriptedLanguageModel([[text('Goodbye.'), calls('hang_up')]]);
    const session = modelBrain(model, { instructions: '', greeting: '' }).open(call());

    expect(await answer(session, { type: 'said', text: 'bye' })).toEqual([text('Goodbye.'), { type: 'hang_up' }]);
  });

  test('transfer is offered only where the line can do it, and only to known numbers', async () => {
    const options = { instructions: '', greeting: '', transferNumbers: { sales: '+15550001' } };
    const parts = [calls('transfer', { to: '+1900555' })];
    const model = new ScriptedLanguageModel([parts, [calls('transfer', { to: 'sales' })]]);
    const can = modelBrain(model, options).open(call({ hasTransfer: true }));

    const deeds = await answer(can, { type: 'said', text: 'sales please' });

    expect(deeds).toEqual([{ type: 'transfer', to: '+15550001' }]);
    expect(model.requests[0]?.tools.map((tool) => tool.name)).toEqual(['hang_up', 'transfer']);
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({ role: 'tool-result', name: 'transfer' });

    const other = new ScriptedLanguageModel([[]]);
    await answer(modelBrain(other, options).open(call()), { type: 'said', text: 'sales please' });
    expect(other.requests[0]?.tools.map((tool) => tool.name)).toEqual(['hang_up']);
  });

  test('a model that insists on a tool it does not have is not asked for ever', async () => {
    const model = new ScriptedLanguageModel(Array.from({ length: 9 }, () => [calls('book_table')]));
    const session = modelBrain(model, { instructions: '', greeting: '' }).open(call());

    expect(await answer(session, { type: 'said', text: 'book' })).toEqual([]);
    expect(model.requests).toHaveLength(3);
  });

  test('is told in brackets when nobody took the caller over, once, also when the caller spoke over the answer', async () => {
    const model = new ScriptedLanguageModel([[text('Nobody is free.')], [], []]);
    const session = modelBrain(model, { instructions: '', greeting: '' }).open(call());
    const notice = {
      role: 'user',
      text: '[The caller was not put through: nobody answered. The caller is with you again: say so and go on]',
    };

    await answer(session, { type: 'transfer_failed', reason: 'no_answer', bookmark: null });
    session.heard('', true);
    await answer(session, { type: 'transfer_failed', reason: 'no_answer', bookmark: null });
    session.heard('', true);
    await answer(session, { type: 'said', text: 'hello?' });

    expect(model.requests[1]?.messages).toEqual([notice]);
    expect(model.requests[2]?.messages).toEqual([notice, { role: 'user', text: 'hello?' }]);
  });

  test('remembers what was heard before a transfer brought the caller back', async () => {
    const model = new ScriptedLanguageModel([[]]);
    const earlier = [
      { role: 'assistant', heardText: 'Hello.' },
      { role: 'caller', heardText: 'sales please' },
      { role: 'assistant', heardText: '' },
    ] as const;
    const session = modelBrain(model, { instructions: '', greeting: 'Hello.' }).open({ ...call(), earlier });

    await answer(session, { type: 'transfer_failed', reason: 'busy', bookmark: null });

    expect(model.requests[0]?.messages).toEqual([
      { role: 'assistant', text: 'Hello.' },
      { role: 'user', text: 'sales please' },
      { role: 'user', text: expect.stringContaining('the line is busy') },
    ]);
  });

  test('keys and silence are told in brackets', async () => {
    const model = new ScriptedLanguageModel([[], []]);
    const session = modelBrain(model, { instructions: 'Be kind.', greeting: '' }).open(call());

    await answer(session, { type: 'digits', digits: '42' });
    session.heard('', false);
    await answer(session, { type: 'not_understood' });

    expect(model.requests[1]?.messages).toEqual([
      { role: 'user', text: '[The caller pressed 42]' },
      { role: 'user', text: '[The caller said something that could not be understood]' },
    ]);
    expect(model.requests[0]?.instructions).toContain('Be kind.');
  });
});

function call({ hasTransfer = false } = {}): BrainCall {
  return {
    context: CONTEXT,
    settings: settingsWith(),
    capabilities: {
      clock: 'local',
      maxLeadMs: 20,
      hasDtmfIn: true,
      hasDtmfOut: false,
      hasHold: false,
    },
    hasTransfer,
    isGrammarOnly: false,
    hasSpeechInput: true,
  };
}

async function answer(session: BrainSession, input: BrainInput): Promise<BrainPart[]> {
  const parts: BrainPart[] = [];
  for await (const part of session.respond(input, new AbortController().signal)) parts.push(part);
  return parts;
}
