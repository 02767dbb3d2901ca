import { describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import { FakeMediaTransport } from '../../test/fakes/fake-media-transport.ts';
import { RecordingLog } from '../../test/fakes/recording-log.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { CarrierKeys, KeyLine } from '../core/ports/carrier-keys.ts';
import type { Channel } from '../core/ports/channel.ts';
import { keysOverCarrier } from './keys-over-carrier.ts';
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
  const media = await keysOverCarrier(parts, CONTEXT, original);
  return { media, original, sent, log, next: (error?: AppError) => over(error) };
}
