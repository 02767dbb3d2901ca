import { attachMedia } from '../../src/calls/attach-media.ts';
import { CallJournal } from '../../src/calls/call-journal.ts';
import { endCallAs } from '../../src/calls/end-call.ts';
import type { Conversation } from '../../src/conversation/conversation.ts';
import type { EndReason } from '../../src/core/call/call.ts';
import type { ContextId, NodeId } from '../../src/core/ids.ts';
import type { CallControl } from '../../src/core/ports/channel.ts';
import type { MediaTransport } from '../../src/core/ports/media-transport.ts';
import { systemRandom } from '../../src/runtime/system-random.ts';
import type { ControlRooms } from './api-world.ts';

/** Calls that are claimed and recorded as real ones are; nobody says anything in them. */
export class PlainCalls {
  /** Contexts in the order their media was attached. */
  readonly attached: ContextId[] = [];
  #journal: CallJournal | null = null;

  control(rooms: ControlRooms): CallControl {
    const { calls, nodes, liveCalls, bus } = rooms;
    const nodeId = systemRandom.uuid() as NodeId;
    const registered = nodes.register({ id: nodeId, host: 'test', pid: process.pid, url: 'test' });
    this.#journal = new CallJournal({ ...rooms, calls });
    const journal = this.#journal;
    const startConversation = async ({ contextId }: { contextId: ContextId }, media: MediaTransport) => {
      this.attached.push(contextId);
      return silentConversation(media);
    };
    return {
      attachMedia: async (arrival) => {
        await registered;
        await attachMedia({ ...rooms, calls, nodeId, journal, startConversation }, arrival);
      },
      endCall: (contextId, reason) => endCallAs({ calls, liveCalls, bus }, contextId, reason),
    };
  }

  /** Resolves once every record is written. */
  async written(): Promise<void> {
    await this.#journal?.close();
  }
}

function silentConversation(media: MediaTransport): Conversation {
  const { promise, resolve } = Promise.withResolvers<EndReason>();
  let asked: EndReason | null = null;
  media.listen({
    audio: () => {},
    digit: () => {},
    played: () => {},
    cleared: () => {},
    writable: () => {},
    held: () => {},
    closed: ({ type }) => resolve(asked ?? (type === 'lost' ? 'media_lost' : 'caller_hung_up')),
  });
  return {
    ended: promise,
    end: (reason) => {
      asked ??= reason;
      media.close();
    },
  };
}
