import { afterEach, describe, expect, test } from 'vitest';
import { languageModelContract, TOOL_WORDS } from '../../../test/contracts/language-model.ts';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { type ChatMessage, FakeOpenAiServer, type OpenAiFailure } from '../../../test/fakes/openai-server.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import type { LanguageModel, ModelMessage, ModelPart } from '../../core/ports/language-model.ts';
import { Connection } from './connection.ts';
import { openLanguageModel } from './language-model.ts';

const KEY = 'sk-hunter2hunter2';
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

describe('a language model over a loopback server', () => {
  languageModelContract(async () => {
    const server = new FakeOpenAiServer({ reply: repeat, partMs: 1 });
    const baseUrl = await server.listen();
    return {
      model: openLanguageModel(new Connection({ baseUrl }, realClock)),
      answerTo: (words) => words,
      close: () => server[Symbol.asyncDispose](),
    };
  });

  test('the request carries key, model, instructions, history and tools as the chat API spells them', async () => {
    const { model, server } = await start({ apiKey: KEY, model: 'small' });
    const messages: ModelMessage[] = [
      { role: 'assistant', text: 'Hello.' },
      { role: 'user', text: 'Two things.' },
      { role: 'assistant', text: '' },
      { role: 'tool-call', id: 'a', name: 'one', args: { n: 1 } },
      { role: 'tool-call', id: 'b', name: 'two', args: {} },
      { role: 'tool-result', id: 'a', name: 'one', result: { ok: true } },
      { role: 'tool-result', id: 'b', name: 'two', result: undefined },
    ];

    await ask(model, messages);

    expect(server.requests[0]?.authorization).toBe(`Bearer ${KEY}`);
    expect(server.requests[0]?.body).toEqual({
      model: 'small',
      stream: true,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'assistant', content: 'Hello.' },
        { role: 'user', content: 'Two things.' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'one', arguments: '{"n":1}' } },
            { id: 'b', type: 'function', function: { name: 'two', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: '{"ok":true}' },
        { role: 'tool', tool_call_id: 'b', content: 'null' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'one', description: 'One', parameters: { type: 'object', properties: {} } },
        },
      ],
      tool_choice: 'auto',
    });
  });

  test('without a key no authorization is sent', async () => {
    const { model, server } = await start({});

    await ask(model);

    expect(server.requests[0]?.authorization).toBeUndefined();
  });

  test('a call of a tool that does not exist, or with broken arguments, is passed on for the caller to answer', async () => {
    const { model } = await start({}, { reply: () => ({ tool: 'nonsense', args: '{"half":' }) });

    expect(await ask(model)).toEqual([
      { type: 'tool-call', id: expect.any(String), name: 'nonsense', args: expect.anything() },
    ]);
  });

  test('after a barge-in the server sees its connection closed', async () => {
    const { model, server } = await start({}, { partMs: 20 });
    const abort = new AbortController();

    for await (const _part of model.stream({ instructions: '', messages: said, tools: [] }, abort.signal))
      abort.abort();

    await expect.poll(() => server.requests[0]?.isAbandoned).toBe(true);
  });
});

describe('a language model that fails', () => {
  test.each<[OpenAiFailure, string, RegExp]>([
    ['unauthorized', 'provider_refused', /answered 401: Incorrect API key provided: \*\*\*\. You can find/],
    ['rate-limited', 'provider_failed', /answered 429: Rate limit reached for requests$/],
    ['server-error', 'provider_failed', /answered 500: The server had an error/],
    ['cut', 'provider_failed', /openai-compatible: .+/],
    ['garbage', 'provider_failed', /openai-compatible: .+/],
    ['empty', 'provider_failed', /Response stream ended without a finish reason/],
  ])('%s: %s, in the words of the vendor and without the key', async (failure, code, words) => {
    const { model, server } = await start({ apiKey: KEY });
    server.failure = failure;

    const error = await ask(model).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ name: 'AppError', code, message: expect.stringMatching(words) });
    expect(JSON.stringify(error) + (error as Error).stack + String((error as Error).cause)).not.toContain('hunter2');
  });

  test('a rate limit tells when to come back', async () => {
    const { model, server } = await start({});
    server.failure = 'rate-limited';

    await expect(ask(model)).rejects.toMatchObject({ retryAfterSeconds: 7 });
  });

  test('one request is one request: nothing is retried behind the back of the call', async () => {
    const { model, server } = await start({});
    server.failure = 'server-error';

    await expect(ask(model)).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });

  test('nobody listens at the address: the reason is told', async () => {
    const server = new FakeOpenAiServer();
    const baseUrl = await server.listen();
    await server[Symbol.asyncDispose]();
    const model = openLanguageModel(new Connection({ baseUrl }, realClock));

    await expect(ask(model)).rejects.toMatchObject({
      code: 'provider_failed',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('nothing comes at all: given up after ten seconds, and the connection closed', async () => {
    const clock = new FakeClock();
    const { model, server } = await start({}, {}, clock);
    server.failure = 'stalled';
    const outcome = ask(model).catch((thrown: unknown) => thrown);
    await expect.poll(() => server.requests.length).toBe(1);

    clock.advance(10_000);

    expect(await outcome).toMatchObject({
      code: 'provider_failed',
      detail: 'openai-compatible sent nothing for 10000 ms',
    });
    await expect.poll(() => server.requests[0]?.isAbandoned).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('it falls silent midway: given up ten seconds after the last part', async () => {
    const clock = new FakeClock();
    const { model, server } = await start({}, {}, clock);
    server.failure = 'stalled-midway';
    const parts: ModelPart[] = [];

    const outcome = (async () => {
      const request = { instructions: '', messages: said, tools: [] };
      for await (const part of model.stream(request, new AbortController().signal)) parts.push(part);
    })().catch((thrown: unknown) => thrown);
    await expect.poll(() => parts.length).toBe(1);
    clock.advance(10_000);

    expect(await outcome).toMatchObject({ detail: 'openai-compatible sent nothing for 10000 ms' });
    await expect.poll(() => server.requests[0]?.isAbandoned).toBe(true);
  });

  test('a key that cannot be sent does not end up in the error', async () => {
    const { model } = await start({ apiKey: `${KEY}\n…` });

    const error = await ask(model).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'provider_failed' });
    expect(String(error)).not.toContain('hunter2');
  });
});

const said: ModelMessage[] = [{ role: 'user', text: 'one two three' }];

async function start(
  settings: { apiKey?: string; model?: string },
  options: ConstructorParameters<typeof FakeOpenAiServer>[0] = {},
  clock: FakeClock | typeof realClock = realClock,
) {
  const server = new FakeOpenAiServer(options);
  opened.push(server);
  const baseUrl = await server.listen();
  return { server, model: openLanguageModel(new Connection({ ...settings, baseUrl }, clock)) };
}

async function ask(model: LanguageModel, messages = said): Promise<ModelPart[]> {
  const tools = [{ name: 'one', description: 'One', parameters: { type: 'object', properties: {} } }];
  const parts: ModelPart[] = [];
  const request = { instructions: 'Be brief.', messages, tools };
  for await (const part of model.stream(request, new AbortController().signal)) parts.push(part);
  return parts;
}

function repeat(messages: readonly ChatMessage[]) {
  const last = messages.at(-1);
  if (last?.content === TOOL_WORDS) return { tool: 'look_up', args: '{"number": 42}' };
  return last?.role === 'tool' ? String(JSON.parse(String(last.content))) : String(last?.content);
}
