import type { AppError } from '@assistant/server/core/errors';
import type { UtteranceId } from '@assistant/server/core/ids';
import type {
  SpeechToText,
  SpeechToTextListener,
  SpeechToTextSession,
} from '@assistant/server/core/ports/speech-to-text';
import { expect } from 'vitest';
import { type ContractPromise, contractTests } from './contract.ts';

export type SpeechToTextSubject = {
  readonly provider: SpeechToText;
  /** Two things a caller says: samples at 8000 Hz and the words they are understood as. */
  readonly sayings: readonly [Saying, Saying];
  /** Frees what the subject needs besides the provider (a loopback server). */
  readonly close?: () => Promise<void>;
};

export type Saying = { readonly samples: Int16Array; readonly words: string };

/** Every provider answers within this time, on any machine of ours; only a broken one waits so long. */
const ANSWER_MS = 10_000;
/** How long a test listens for an answer that must not come, once the provider had its time. */
const QUIET_MS = 50;
const FRAME_SAMPLES = 160;

/** What every speech-to-text provider promises. */
export const speechToTextPromises: readonly ContractPromise<SpeechToTextSubject>[] = [
  {
    name: 'it has a name fit for a label',
    check: async ({ provider }) => {
      expect(provider.name).toMatch(/^[a-z][a-z0-9-]*$/);
    },
  },
  {
    name: 'a finished utterance becomes its words, under its own id',
    check: async (subject) => {
      const call = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);

      expect(await call.answer(id(1))).toEqual({ type: 'final', text: subject.sayings[0].words });
    },
  },
  {
    name: 'no answer comes before the verb that asked for it has returned',
    check: async (subject) => {
      const call = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);

      expect(call.answers).toEqual([]);
      await call.answer(id(1));
    },
  },
  {
    name: 'audio is copied: the writer may reuse its array at once',
    check: async (subject) => {
      const call = openCall(subject);
      const frame = new Int16Array(FRAME_SAMPLES);
      const { samples, words } = subject.sayings[0];

      call.session.begin(id(1));
      for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
        const part = samples.subarray(at, at + FRAME_SAMPLES);
        frame.set(part);
        call.session.write(frame.subarray(0, part.length));
        frame.fill(-32_768);
      }
      call.session.finish();

      expect(await call.answer(id(1))).toEqual({ type: 'final', text: words });
    },
  },
  {
    name: 'two utterances close together both get their own words',
    check: async (subject) => {
      const call = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);
      say(call.session, id(2), subject.sayings[1].samples);

      expect(await call.answer(id(1))).toEqual({ type: 'final', text: subject.sayings[0].words });
      expect(await call.answer(id(2))).toEqual({ type: 'final', text: subject.sayings[1].words });
    },
  },
  {
    name: 'calls at the same time do not hear each other',
    check: async (subject) => {
      const [one, other] = [openCall(subject), openCall(subject)];

      say(one.session, id(1), subject.sayings[0].samples);
      say(other.session, id(1), subject.sayings[1].samples);

      expect(await one.answer(id(1))).toEqual({ type: 'final', text: subject.sayings[0].words });
      expect(await other.answer(id(1))).toEqual({ type: 'final', text: subject.sayings[1].words });
    },
  },
  {
    name: 'a cancelled utterance is never answered, and its audio is not in the next',
    check: async (subject) => {
      const call = openCall(subject);

      call.session.begin(id(1));
      call.session.write(subject.sayings[1].samples);
      call.session.cancel();
      say(call.session, id(2), subject.sayings[0].samples);

      expect(await call.answer(id(2))).toEqual({ type: 'final', text: subject.sayings[0].words });
      await quiet();
      expect(call.answers.map((answer) => answer.utteranceId)).toEqual([id(2)]);
    },
  },
  {
    name: 'an utterance without audio is answered with no words',
    check: async (subject) => {
      const call = openCall(subject);

      call.session.begin(id(1));
      call.session.finish();

      expect(await call.answer(id(1))).toEqual({ type: 'final', text: '' });
    },
  },
  {
    name: 'each finished utterance is answered exactly once',
    check: async (subject) => {
      const call = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);
      call.session.finish();
      await call.answer(id(1));
      say(call.session, id(2), subject.sayings[1].samples);
      await call.answer(id(2));

      await quiet();
      expect(call.answers.map((answer) => answer.utteranceId)).toEqual([id(1), id(2)]);
    },
  },
  {
    name: 'interim words come only where the capabilities say so, and never after the final ones',
    check: async (subject) => {
      const call = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);
      await call.answer(id(1));
      await quiet();

      const types = call.heard.map((answer) => answer.type);
      expect(types.at(-1)).toBe('final');
      if (!subject.provider.capabilities.hasInterim) expect(types).not.toContain('interim');
    },
  },
  {
    name: 'verbs out of order do nothing and throw nothing',
    check: async (subject) => {
      const call = openCall(subject);

      call.session.write(subject.sayings[1].samples);
      call.session.finish();
      call.session.cancel();
      say(call.session, id(3), subject.sayings[0].samples);

      expect(await call.answer(id(3))).toEqual({ type: 'final', text: subject.sayings[0].words });
      expect(call.answers).toHaveLength(1);
    },
  },
  {
    name: 'after close nothing is answered and no verb throws',
    check: async (subject) => {
      const call = openCall(subject);
      const other = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);
      call.session.close();
      call.session.close();
      call.session.expect([]);
      say(call.session, id(2), subject.sayings[0].samples);
      call.session.cancel();

      say(other.session, id(1), subject.sayings[0].samples);
      await other.answer(id(1));
      await quiet();
      expect(call.heard).toEqual([]);
    },
  },
  {
    name: 'disposing answers what is under way, as failed or with its words, and later utterances as failed',
    check: async (subject) => {
      const call = openCall(subject);

      say(call.session, id(1), subject.sayings[0].samples);
      await subject.provider[Symbol.asyncDispose]();
      say(call.session, id(2), subject.sayings[0].samples);

      expect(['final', 'failed']).toContain((await call.answer(id(1))).type);
      expect(await call.answer(id(2))).toMatchObject({ type: 'failed', code: 'provider_failed' });
      await quiet();
      expect(call.answers).toHaveLength(2);
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
export function speechToTextContract(open: () => Promise<SpeechToTextSubject>): void {
  contractTests('speech to text contract', speechToTextPromises, async () => {
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

type Heard = { readonly utteranceId: UtteranceId } & (
  | { readonly type: 'interim' | 'final'; readonly text: string }
  | { readonly type: 'failed'; readonly code: string }
);
type Answer = { readonly type: 'final'; readonly text: string } | { readonly type: 'failed'; readonly code: string };

type Call = {
  readonly session: SpeechToTextSession;
  readonly heard: Heard[];
  /** `heard` without interim words. */
  readonly answers: readonly Heard[];
  answer(utteranceId: UtteranceId): Promise<Answer>;
};

function openCall(subject: SpeechToTextSubject): Call {
  const heard: Heard[] = [];
  const arrived = new Set<() => void>();
  const keep = (entry: Heard) => {
    heard.push(entry);
    for (const wake of arrived) wake();
  };
  const listener: SpeechToTextListener = {
    interim: (utteranceId, text) => keep({ type: 'interim', utteranceId, text }),
    final: (utteranceId, text) => keep({ type: 'final', utteranceId, text }),
    failed: (utteranceId, error: AppError) => keep({ type: 'failed', utteranceId, code: error.code }),
  };
  const session = subject.provider.open({ sampleRate: 8_000, language: 'en-US' }, listener);
  session.expect(subject.sayings.map((saying) => saying.words));
  const answers = () => heard.filter((entry) => entry.type !== 'interim');
  return {
    session,
    heard,
    get answers() {
      return answers();
    },
    async answer(utteranceId) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = setTimeout(() => reject(new Error(`No answer to utterance ${utteranceId}`)), ANSWER_MS);
      const look = () => answers().some((entry) => entry.utteranceId === utteranceId) && resolve();
      arrived.add(look);
      look();
      await promise.finally(() => {
        clearTimeout(late);
        arrived.delete(look);
      });
      const found = answers().find((entry) => entry.utteranceId === utteranceId) as Heard;
      return found.type === 'failed' ? { type: 'failed', code: found.code } : { type: 'final', text: found.text };
    },
  };
}

function say(session: SpeechToTextSession, utteranceId: UtteranceId, samples: Int16Array): void {
  session.begin(utteranceId);
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES) session.write(samples.subarray(at, at + FRAME_SAMPLES));
  session.finish();
}

function id(value: number): UtteranceId {
  return value as UtteranceId;
}

/** Time for a second answer that must not come. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}
