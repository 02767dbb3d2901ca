import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../../../test/fakes/real-clock.ts';
import type { OpenCredential } from '../../../core/credential/credential.ts';
import type { ContextId, CredentialId } from '../../../core/ids.ts';
import type { CallChange, PlacedCall } from '../../../core/ports/channel.ts';
import type { AriLinks } from './ari-links.ts';
import { changed, destroyed, dialled, FakeAri, testLinks } from './fakes/fake-ari.ts';
import { channelIdOf, watchCalls } from './watch-calls.ts';

const CALL = '0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0' as ContextId;
const OTHER = '1b1c2d3e-4f50-4162-8374-95a6b7c8d9e0' as ContextId;
const CHANNEL = channelIdOf(CALL);

let ari: FakeAri;
let links: AriLinks;
let events: () => readonly string[];
let watching: Disposable;
const accounts: OpenCredential[] = [];
const waiting: PlacedCall[] = [];
const told: [readonly CredentialId[], ContextId, CallChange][] = [];

beforeEach(async () => {
  ari = await FakeAri.start();
  const made = testLinks();
  links = made.links;
  events = () => made.log.events;
  accounts.splice(0, accounts.length, ari.credential());
  waiting.length = 0;
  told.length = 0;
  watching = watchCalls({
    links,
    clock: realClock,
    log: made.log,
    watch: {
      accounts: async () => accounts,
      unanswered: async () => waiting,
      report: async (...words) => void told.push(words),
    },
  });
  await vi.waitFor(() => expect(ari.connections).toBe(1));
});

afterEach(async () => {
  watching[Symbol.dispose]();
  await ari[Symbol.asyncDispose]();
});

describe('what Asterisk says of a call of ours', () => {
  test('it rings, is answered and hung up: each is told once', async () => {
    ari.tell(dialled(CHANNEL, ''));
    ari.tell(changed(CHANNEL, 'Ringing'));
    ari.tell(dialled(CHANNEL, 'RINGING'));
    ari.tell(changed(CHANNEL, 'Up'));
    ari.tell(dialled(CHANNEL, 'ANSWER'));
    ari.tell(destroyed(CHANNEL, 16));

    await changes([{ type: 'ringing' }, { type: 'answered' }, { type: 'ended', reason: 'caller_hung_up' }]);
    expect(told[0]?.slice(0, 2)).toEqual([['credential-1'], CALL]);
  });

  test('busy is told by the dial status where the channel itself gives no cause', async () => {
    ari.tell(dialled(CHANNEL, 'BUSY'));
    ari.tell(destroyed(CHANNEL, 0));

    await changes([{ type: 'ended', reason: 'busy' }]);
  });

  test('channels of others, a half of a Local channel and a transfer are let be', async () => {
    for (const id of ['1795246880.2', `${CHANNEL};2`, `rapida-transfer-${CALL}`]) ari.tell(destroyed(id, 16));
    ari.tell(destroyed(CHANNEL, 21));

    await changes([{ type: 'ended', reason: 'rejected' }]);
  });
});

describe('a connection that was away', () => {
  test('comes back by itself, and what was missed is asked for', async () => {
    ari.tell(changed(CHANNEL, 'Ringing'));
    await changes([{ type: 'ringing' }]);
    waiting.push(
      { contextId: CALL, providerCallId: CHANNEL },
      { contextId: OTHER, providerCallId: channelIdOf(OTHER) },
    );
    ari.channels.set(CHANNEL, { id: CHANNEL, name: 'PJSIP/a', state: 'Up' });

    ari.drop();

    await vi.waitFor(() => expect(told).toHaveLength(3), 5_000);
    expect(told.slice(1).map(([, contextId, change]) => [contextId, change])).toEqual([
      [CALL, { type: 'answered' }],
      [OTHER, { type: 'ended', reason: 'no_answer' }],
    ]);
  });

  test('is told once in the log, however often it fails', async () => {
    ari.isAway = true;

    ari.drop();

    await vi.waitFor(() => expect(events()).toContain('asterisk.events_lost'));
    ari.isAway = false;
    await vi.waitFor(() => expect(ari.connections).toBe(1), 5_000);
    expect(events().filter((event) => event === 'asterisk.events_lost')).toHaveLength(1);
    // One name: Asterisk closes the older of two connections that share it.
    expect(new Set(ari.applications).size).toBe(1);
  });
});

test('two credentials of one Asterisk and user share a connection, and both are theirs', async () => {
  links.open(ari.credential('credential-2'));

  ari.tell(changed(CHANNEL, 'Ringing'));

  await changes([{ type: 'ringing' }]);
  expect(told[0]?.[0]).toEqual(['credential-1', 'credential-2']);
  expect(ari.connections).toBe(1);
});

async function changes(expected: readonly CallChange[]): Promise<void> {
  await vi.waitFor(() => expect(told.map(([, , change]) => change)).toEqual(expected));
}
