import type { Cleared, MediaListener, MediaTransport } from '@assistant/server/core/ports/media-transport';
import { describe, expect, test } from 'vitest';
import { openPlaneCall } from './audiosocket-plane-harness.ts';
import { brokenPromises, type Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';
import { mediaTransportContract, mediaTransportPromises } from './media-transport.ts';

mediaTransportContract('AudioSocket at 8 kHz, on the test thread', () => openPlaneCall(8000));
mediaTransportContract('AudioSocket at 16 kHz, on the test thread', () => openPlaneCall(16_000));

describe('the contract turns red', () => {
  test('on a transport whose clear drops nothing', async () => {
    const broken = await brokenBy((good) => ({
      clear: (): Cleared => ({ heardSamples: good.position().heard, droppedSamples: 0 }),
    }));

    expect(broken).toContain('clear: nothing of the old audio follows, new audio does, and the sums are right');
    expect(broken).toContain('marks of cleared audio never come; one set after the clear does');
  });

  test('on a transport that does not pause', async () => {
    const broken = await brokenBy(() => ({ pause: () => {} }));

    expect(broken).toContain('audio played while paused waits for resume');
    expect(broken).toContain(
      'pause: silence within the time it may take, the queue is kept, and resume plays the rest',
    );
  });

  test('on a transport that forgets the rewind', async () => {
    const broken = await brokenBy((good) => ({ resume: () => good.resume() }));

    expect(broken).toEqual(['resume with a rewind plays the last samples once more, and no position moves back']);
  });

  test('on a transport that says played when it was only queued', async () => {
    const broken = await brokenBy((good) => {
      let listener: MediaListener | null = null;
      return {
        listen: (to: MediaListener) => {
          listener = to;
          good.listen(to);
        },
        mark: (id: string) => listener?.played(id),
      };
    });

    expect(broken).toContain('a mark comes once all audio before it was heard, in order, also when nothing is queued');
    expect(broken).toContain('no verb calls back before it returns');
  });

  test('on a transport that counts what is queued as heard', async () => {
    const broken = await brokenBy((good) => ({
      position: () => {
        const { queued } = good.position();
        return { queued, sent: queued, heard: queued };
      },
    }));

    expect(broken).toContain('what counts as heard was heard');
  });

  test('on a transport that swallows the short end of a reply', async () => {
    const broken = await brokenBy(() => ({ endReply: () => {} }));

    expect(broken).toContain('a reply is heard whole, once and in order, its short last frame included');
  });

  test('on a transport that closes twice', async () => {
    const broken = await brokenBy((good) => ({
      listen: (to: MediaListener) =>
        good.listen({
          audio: (view, clockMs) => to.audio(view, clockMs),
          digit: (digit) => to.digit(digit),
          played: (mark) => to.played(mark),
          cleared: (cleared) => to.cleared(cleared),
          writable: () => to.writable(),
          held: (isHeld) => to.held(isHeld),
          closed: (end) => {
            to.closed(end);
            to.closed(end);
          },
        }),
    }));

    expect(broken).toContain('the peer hangs up: closed once, last, and every verb after it does nothing');
    expect(broken).toContain('the connection breaks: closed once, as lost where it can be told from a hang-up');
  });
});

/** The promises broken by a good transport with some verbs replaced. */
function brokenBy(faults: (good: MediaTransport) => Partial<MediaTransport>): Promise<string[]> {
  return brokenPromises(mediaTransportPromises, async (): Promise<Opened<MediaHarness>> => {
    const { subject, close } = await openPlaneCall();
    const good = subject.transport;
    const verbs: MediaTransport = {
      capabilities: good.capabilities,
      sampleRate: good.sampleRate,
      listen: (listener) => good.listen(listener),
      play: (frame, replyId) => good.play(frame, replyId),
      endReply: (replyId) => good.endReply(replyId),
      pause: () => good.pause(),
      resume: (rewind) => good.resume(rewind),
      clear: () => good.clear(),
      mark: (id) => good.mark(id),
      position: () => good.position(),
      sendDigits: (digits) => good.sendDigits(digits),
      close: () => good.close(),
    };
    return { subject: { ...subject, transport: { ...verbs, ...faults(good) } }, close };
  });
}
