import { randomUUID } from 'node:crypto';
import { attachMedia } from '../../src/calls/attach-media.ts';
import { CallJournal } from '../../src/calls/call-journal.ts';
import { converse } from '../../src/calls/converse.ts';
import { SentenceCache } from '../../src/conversation/sentence-cache.ts';
import type { ChannelName } from '../../src/core/call/call.ts';
import type { ContextId, NodeId, ProjectId } from '../../src/core/ids.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { scriptedBrain } from '../../src/providers/scripted/scripted-brain.ts';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { FakeMediaTransport } from '../fakes/fake-media-transport.ts';
import { ScriptedTextToSpeech } from '../fakes/scripted-text-to-speech.ts';
import { ScriptedVad } from '../fakes/scripted-vad.ts';
import { WordBook } from '../fakes/word-book.ts';
import { apiWorld, PUBLIC_HOST } from './api-world.ts';

const NODE = 'node-a' as NodeId;

/** Greets by handing over at once; a caller who is back hears why, and is asked something. */
export const FLOW = {
  start: 'hello',
  fallback: 'no',
  nodes: {
    hello: { type: 'say', text: 'Hello.', next: 'over' },
    over: { type: 'transfer', text: 'One moment.', to: '+14155552671', otherwise: 'no', onFailure: 'why' },
    why: { type: 'branch', on: 'transfer_failure', cases: [{ is: 'busy', next: 'busy' }], otherwise: 'no' },
    busy: { type: 'say', text: 'They are busy.', next: 'menu' },
    no: { type: 'say', text: 'Nobody is there.', next: 'menu' },
    menu: { type: 'form', text: 'Your number?', minDigits: 4, maxDigits: 4, saveAs: 'n', next: 'bye' },
    bye: { type: 'hang_up', text: 'Thanks.' },
  },
} as const;

/** The HTTP side, and conversations that really run: their time moves only when told to, carriers and database answer in their own. */
export async function transferWorld(channels: readonly Channel[]) {
  const world = await apiWorld({ channels });
  const { calls, transfers } = world.storage;
  const journal = new CallJournal({ calls, ...world.parts });

  /** The carrier brings a call's audio. */
  async function talk(contextId: ContextId, channel: ChannelName, flow: unknown = FLOW) {
    const clock = new FakeClock();
    const media = new FakeMediaTransport(clock);
    const words = new WordBook(120, 40);
    const voice = new ScriptedTextToSpeech(clock, words);
    const brain = scriptedBrain(flow);
    const engines = {
      speechToText: async () => null,
      textToSpeech: async () => voice,
      chooseBrain: async (settings: never) => ({ brain, settings }),
    };
    const parts = {
      ...world.parts,
      calls,
      transfers,
      numberLists: world.storage.numberLists,
      audit: world.storage.audit,
      engines,
      vad: new ScriptedVad(),
      sentences: new SentenceCache(),
      clock,
    };
    const startConversation: Parameters<typeof attachMedia>[0]['startConversation'] = (...call) =>
      converse(parts as never, ...call);
    await attachMedia(
      { ...world.parts, calls, nodeId: NODE, journal, startConversation },
      { contextId, channel, media },
    );
    return {
      media,
      /** Lets time pass until this holds; what others answer in their own time is waited for. */
      until: async (holds: () => boolean | Promise<boolean>) => {
        for (let round = 0; round < 400; round++) {
          if (await holds()) return;
          await clock.run(20, 20);
          await settle();
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        throw new Error(`it never came to that; heard: ${words.text(media.ear)}`);
      },
      pass: async (ms: number) => {
        await clock.run(ms, 20);
        await settle();
      },
      heard: () => words.text(media.ear),
    };
  }

  return {
    ...world,
    talk,
    /** Path and query of one of our own addresses. */
    target: (url: string) => url.replace(`https://${PUBLIC_HOST}`, ''),
    detail: async (projectId: ProjectId, contextId: ContextId) => {
      await journal.flush();
      const detail = await calls.get(projectId, contextId);
      if (detail === null) throw new Error('no such call');
      const { status, endReason } = detail.call;
      return {
        ...detail,
        now: `${status} ${endReason ?? ''}`.trim(),
        eventTypes: detail.events.map(({ type }) => type),
      };
    },
    callId: () => `CA${randomUUID().replaceAll('-', '')}`,
    [Symbol.asyncDispose]: async () => {
      await journal.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

export type TransferWorld = Awaited<ReturnType<typeof transferWorld>>;
