import { describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import { FakeMediaTransport } from '../../test/fakes/fake-media-transport.ts';
import { RecordingLog } from '../../test/fakes/recording-log.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { ReplyId } from '../core/ids.ts';
import type { CarrierHolds } from '../core/ports/carrier-holds.ts';
import type { CarrierKeys, KeyLine } from '../core/ports/carrier-keys.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { MediaTransport } from '../core/ports/media-transport.ts';
import { mediaOverCarrier } from './media-over-carrier.ts';
import type { Lines } from './project-lines.ts';

const CREDENTIAL = { id: 'credential-1', provider: 'asterisk' } as unknown as OpenCredential;
const CONTEXT = {
  contextId: 'context-1',
  channel: 'asterisk',
  projectId: 'project-1',
  deploymentId: null,
} as CallContext;

describe('keys of a call whose media carries none', () => {
  test("go over the carrier, one batch after the other, with the project's only account", async () => {
    const { media, sent, next } = await dressed({ credentials: [CREDENTIAL], deployments: [] });

    media.sendDigits('12');
    media.sendDigits('#');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    next();
    await vi.waitFor(() => expect(sent).toHaveLength(2));

    expect(sent).toEqual(['credential-1 12', 'credential-1 #']);
    expect(media.capabilities.hasDtmfOut).toBe(true);
  });

  test('the media is left as it came where the carrier cannot either', async () => {
    const { media, original } = await dressed({ credentials: [], deployments: [] });

    expect(media).toBe(original);
  });

  test('what could not be sent is told in the log, and the next batch goes out', async () => {
    const { media, sent, next, log } = await dressed({ credentials: [CREDENTIAL], deployments: [] });

    media.sendDigits('1');
    media.sendDigits('2');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    next(new AppError('carrier_failed', { detail: 'no context' }));

    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(log.events).toEqual(['call.keys_not_sent']);
  });
});

describe('a call whose media cannot tell that it is held', () => {
  const FRAME_MS = 20;
  const REPLY = 7 as ReplyId;
  const frame = (level: number) => ({ samples: new Int16Array(800).fill(level), sampleRate: 8_000 });

  async function followed() {
    const clock = new FakeClock();
    const wire = new FakeMediaTransport(clock);
    const media: MediaTransport = Object.assign(wire, { capabilities: { ...wire.capabilities, hasHold: false } });
    let tell: (isHeld: boolean) => void = () => {};
    let isFollowed = false;
    const holds: CarrierHolds = {
      objection: () => null,
      follow: (_line, told) => {
        tell = told;
        isFollowed = true;
        const stop = () => {
          isFollowed = false;
        };
        return { [Symbol.dispose]: stop };
      },
    };
    const parts = {
      channels: [{ name: 'asterisk', holds }] satisfies Channel[],
      lines: { ofProject: async () => ({ credentials: [CREDENTIAL], deployments: [] }) },
      log: new RecordingLog(),
    };
    const dressed = await mediaOverCarrier(parts, CONTEXT, media);
    const heard: string[] = [];
    dressed.listen({
      audio: (view) => void heard.push(`audio ${view[0]}`),
      digit: () => {},
      played: () => {},
      cleared: () => {},
      writable: () => {},
      held: (isHeld) => void heard.push(isHeld ? 'held' : 'unheld'),
      closed: () => void heard.push('closed'),
    });
    const hold = (isHeld: boolean) => tell(isHeld);
    return { clock, wire, media: dressed, heard, hold, isFollowed: () => isFollowed };
  }

  test('hears so from the carrier; meanwhile nothing is played, and the music is not the caller', async () => {
    const { clock, wire, media, heard, hold } = await followed();
    hold(true);
    hold(true);

    media.play(frame(9), REPLY);
    wire.say(new Array<number>(160).fill(100));
    clock.advance(10 * FRAME_MS);
    expect(wire.ear).not.toContain(9);
    hold(false);
    wire.say(new Array<number>(160).fill(200));
    clock.advance(10 * FRAME_MS);

    expect(heard.filter((each) => each !== 'audio 0')).toEqual(['held', 'unheld', 'audio 200']);
    expect(wire.ear.filter((sample) => sample === 9)).toHaveLength(800);
    expect(media.capabilities.hasHold).toBe(true);
  });

  test('a pause of the call goes on behind the hold, and one that ended meanwhile is over', async () => {
    const { clock, wire, media, hold } = await followed();
    media.play(frame(9), REPLY);
    media.pause();
    hold(true);
    hold(false);
    clock.advance(10 * FRAME_MS);
    expect(wire.ear).not.toContain(9);

    hold(true);
    media.resume();
    clock.advance(10 * FRAME_MS);
    expect(wire.ear).not.toContain(9);
    hold(false);
    clock.advance(10 * FRAME_MS);

    expect(wire.ear.filter((sample) => sample === 9)).toHaveLength(800);
  });

  test('what is cleared in a hold is gone, and what comes behind it waits for its end', async () => {
    const { clock, wire, media, hold } = await followed();
    media.play(frame(9), REPLY);
    hold(true);
    media.clear();
    media.play(frame(8), REPLY);
    clock.advance(10 * FRAME_MS);
    expect(wire.ear.filter((sample) => sample !== 0)).toEqual([]);

    hold(false);
    clock.advance(10 * FRAME_MS);

    expect(wire.ear.filter((sample) => sample !== 0)).toEqual(new Array<number>(800).fill(8));
  });

  test('is followed until it is over', async () => {
    const { clock, wire, heard, hold, isFollowed } = await followed();
    expect(isFollowed()).toBe(true);

    wire.hangUp();
    clock.advance(FRAME_MS);
    hold(true);

    expect(isFollowed()).toBe(false);
    expect(heard.at(-1)).toBe('closed');
  });
});

async function dressed(lines: Lines) {
  const original = new FakeMediaTransport(new FakeClock());
  const log = new RecordingLog();
  const sent: string[] = [];
  let over: (error?: AppError) => void = () => {};
  const keys: CarrierKeys = {
    objection: ({ credential }: KeyLine) => (credential === null ? 'no account' : null),
    send: ({ credential }, digits) => {
      sent.push(`${credential?.id} ${digits}`);
      return new Promise((resolve, reject) => {
        over = (error) => (error ? reject(error) : resolve());
      });
    },
  };
  const channels: Channel[] = [{ name: 'asterisk', keys }];
  const parts = { channels, lines: { ofProject: async () => lines }, log };
  const media = await mediaOverCarrier(parts, CONTEXT, original);
  return { media, original, sent, log, next: (error?: AppError) => over(error) };
}
