import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatMessage } from '../fakes/openai-server.ts';
import { FakeOpenAiServer } from '../fakes/openai-server.ts';
import { type CallServer, eventually, LONG_MS, startCallServer } from './call-server.ts';
import { CALLER_SAYS } from './caller-says.ts';
import { expectSoundWaterfalls } from './expect-waterfalls.ts';
import { thinkingWith } from './own-assistants.ts';

const GREETING = 'Hello there.';
const LONG_ANSWER = [
  'Your bill was sent on Monday.',
  'It has four pages, and the first of them shows the sum that you are to pay until the end of the month.',
  'The second page shows every call that was made, and the third page shows what was paid before.',
].join(' ');
const SHORT_ANSWER = 'All is paid. Anything else?';
const GOODBYE = 'Thank you for calling. Goodbye.';
/** Of the stand-in for the voice. */
const MS_A_LETTER = 60;

let openAi: FakeOpenAiServer;
let server: CallServer;

beforeAll(async () => {
  openAi = new FakeOpenAiServer({
    firstPartMs: 150,
    partMs: 120,
    reply: answerTo,
    transcribe: ({ samples, sampleRate }) =>
      isLong(samples, sampleRate) ? CALLER_SAYS.bill.text : CALLER_SAYS.no.text,
  });
  server = await startCallServer({
    env: { OPENAI_BASE_URL: await openAi.listen(), OPENAI_STT_MODEL: 'ears', OPENAI_TTS_MODEL: 'mouth' },
  });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
});

test(
  'a free conversation: speech begins while the model still streams, an interruption ends the stream, the model remembers what was heard, and its goodbye is heard before it hangs up',
  async () => {
    const assistantId = await server.assistant(thinkingWith('brain', GREETING));
    const { phone, contextId } = await server.call(assistantId);
    await phone.heardOut(700, LONG_MS);

    await phone.say('bill', CALLER_SAYS.bill.samples);
    await phone.heardVoice(1_000, LONG_MS);
    const [question] = chats();
    expect(question).toMatchObject({ isComplete: false, isAbandoned: false });
    await phone.say('bill', CALLER_SAYS.bill.samples);
    await eventually('the stream to be let go', async () => (question?.isAbandoned ? true : null));
    await phone.heardOut(700, LONG_MS);
    await phone.say('no', CALLER_SAYS.no.samples);
    const saidNoAtMs = performance.now();
    const end = await phone.heardHangUp(LONG_MS);

    const { call, turns, events } = await server.endedRecord(contextId);
    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
    expect(turns.map(({ role, text, wasInterrupted }) => [role, text, wasInterrupted])).toEqual([
      ['assistant', GREETING, false],
      ['caller', CALLER_SAYS.bill.text, false],
      ['assistant', expect.stringMatching(/^Your bill was sent on Monday\./), true],
      ['caller', CALLER_SAYS.bill.text, false],
      ['assistant', SHORT_ANSWER, false],
      ['caller', CALLER_SAYS.no.text, false],
      ['assistant', GOODBYE, false],
    ]);
    const heard = turns.map(({ heardText }) => heardText);
    expect(`${LONG_ANSWER} `.startsWith(`${heard[2]} `)).toBe(true);
    expect(heard[2]).not.toBe('');
    expect(heard[2]).not.toBe(turns[2]?.text);
    expect(heard.filter((_, index) => index !== 2)).toEqual(
      turns.map(({ text }) => text).filter((_, index) => index !== 2),
    );
    const heardGoodbyeMs = phone.heard.frames.filter(({ atMs, dbfs }) => atMs > saidNoAtMs && dbfs > -50).length * 20;
    expect(heardGoodbyeMs).toBeGreaterThanOrEqual(GOODBYE.length * MS_A_LETTER - 40);

    expect(chats()).toHaveLength(3);
    expect(chats().map(({ isAbandoned }) => isAbandoned)).toEqual([true, false, false]);
    const spoken = heard.map((text, index) => [index % 2 === 0 ? 'assistant' : 'user', text]);
    expect(chats().map(({ body }) => spokenOf(body['messages'] as ChatMessage[]))).toEqual([
      spoken.slice(0, 2),
      spoken.slice(0, 4),
      spoken.slice(0, 6),
    ]);
    expectSoundWaterfalls(turns);
    for (const turn of turns.filter(({ role, index }) => role === 'assistant' && index > 0)) {
      expect(Object.values(turn.waterfall ?? {}).every((atMs) => atMs !== null)).toBe(true);
    }
    expect(events.map(({ type }) => type)).toContain('barge_in_committed');
    await server.idle();
    expect(server.faults()).toEqual([]);
  },
  3 * LONG_MS,
);

function answerTo(messages: readonly ChatMessage[]) {
  const questions = messages.filter(({ role }) => role === 'user').length;
  if (questions === 1) return LONG_ANSWER;
  return questions === 2 ? SHORT_ANSWER : { say: GOODBYE, tool: 'hang_up', args: '{}' };
}

function chats() {
  return openAi.requests.filter(({ path }) => path === '/chat/completions');
}

/** Role and words of the messages behind the instructions. */
function spokenOf(messages: readonly ChatMessage[]): unknown[] {
  const spoken = messages.filter(({ role }) => role === 'user' || role === 'assistant');
  return spoken.map(({ role, content }) => [role, textOf(content)]);
}

function textOf(content: unknown): unknown {
  return Array.isArray(content) ? content.map(({ text }) => text).join('') : content;
}

/** More than a second of sound: not just "No." */
function isLong(samples: Int16Array, sampleRate: number): boolean {
  const windowSamples = sampleRate / 50;
  let loud = 0;
  for (let from = 0; from < samples.length; from += windowSamples) {
    if (samples.subarray(from, from + windowSamples).some((sample) => Math.abs(sample) > 500)) loud++;
  }
  return loud > 50;
}
