import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../../test/fakes/fake-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../test/fakes/recording-log.ts';
import type { OpenCredential } from '../../core/credential/credential.ts';
import type { CredentialId, NodeId } from '../../core/ids.ts';
import { request } from '../../protocols/sip/fakes/wire.ts';
import type { Registration, RegistrationOptions, RegistrationState } from '../../protocols/sip/uac/registration.ts';
import { dialledNumber } from './announcement.ts';
import { FakeTrunk } from './fakes/fake-trunk.ts';
import { ASSISTANT, cryptoRandom, PROJECT, ScriptedDirectory, SipWorld, until } from './fakes/sip-world.ts';
import { ownerOf, Registrations } from './registrations.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

describe('an account at a trunk that we register with', () => {
  async function registered() {
    const trunk = await FakeTrunk.open();
    trunk.login = 'line7:secret';
    const directory = new ScriptedDirectory();
    const account = trunk.credential({ username: 'line7', password: 'secret' });
    directory.accountList = [account];
    const world = await SipWorld.open({ directory });
    open.push(trunk, world);
    await until(() => trunk.registered.length === 1);
    return { trunk, directory, account, world };
  }

  test('is registered with its password, and a call to that Contact needs none', async () => {
    const { trunk, directory, account, world } = await registered();
    const at = { assistantId: ASSISTANT, projectId: PROJECT, credentialId: account.id, allowCidrs: [] };
    directory.trunkList = [{ ...at, number: null }];
    const refused: number[] = [];
    const call = (to: string) =>
      trunk.agent.call({
        to,
        from: { uri: 'sip:+15550199@trunk.example', params: new Map() },
        media: { offer: () => OFFER, answer: () => '', accept: () => true, rollback: () => {} },
        handlers: { ended: () => {}, answered: () => {}, refused: (status) => void refused.push(status) },
      });

    call(trunk.contact.replace('line-', 'line-0'));
    await until(() => refused.length === 1);
    call(trunk.contact);
    await until(() => world.calls.announced.length === 1);

    expect(trunk.registered).toEqual([expect.stringMatching(/^line-[0-9a-f]{24} 3600$/)]);
    expect(refused).toEqual([401]);
    expect(world.calls.announced[0]).toMatchObject({ assistantId: ASSISTANT });
    expect([...world.server.registrations.standing.values()]).toMatchObject([{ state: 'registered', reason: null }]);
  });

  test('the number dialled over it stands in To, for the Request-URI is our Contact', () => {
    const to = 'To: <sip:+49301234@trunk.example>';

    expect(dialledNumber(request('INVITE sip:line-0123456789abcdef01234567@192.0.2.1', to))).toBe('+49301234');
    const contact = 'sip:line-0123456789abcdef01234567@192.0.2.1';
    expect(dialledNumber(request(`INVITE ${contact}`, `To: <${contact}>`))).toBeNull();
    expect(dialledNumber(request('INVITE sip:100@192.0.2.1', to))).toBe('100');
  });

  test('is taken back when this server stops taking calls', async () => {
    const { trunk, world } = await registered();

    world.server.drain();
    await until(() => trunk.registered.length === 2);

    expect(trunk.registered[1]).toBe(trunk.registered[0]?.replace('3600', '0'));
    await until(() => !world.server.registrations.isLeaving);
  });
});

describe('which accounts a node keeps', () => {
  function watched() {
    const clock = new FakeClock();
    const now = { accounts: [] as OpenCredential[], alive: ['a' as NodeId], isAway: false };
    const log: string[] = [];
    const told = new RecordingLog();
    const metrics = new RecordingMetrics();
    const changes: ((state: RegistrationState) => void)[] = [];
    const registrations = new Registrations({
      line: {
        addressFor: async () => '127.0.0.1',
        register: ({ aor, changed }: RegistrationOptions) => {
          log.push(`register ${aor}`);
          if (changed) changes.push(changed);
          queueMicrotask(() => changed?.({ type: 'registered', seconds: 3600 }));
          return { remove: () => void log.push(`remove ${aor}`) } as unknown as Registration;
        },
      },
      directory: {
        accounts: async () => {
          if (now.isAway) throw new Error('the database is away');
          return now.accounts;
        },
      },
      nodes: { own: 'a' as NodeId, alive: async () => now.alive },
      clock,
      random: cryptoRandom,
      log: told,
      metrics,
    });
    const look = async () => {
      clock.advance(15_000);
      await settle();
      return log.splice(0);
    };
    return { registrations, now, look, clock, told, metrics, changes };
  }

  test('one that is new is registered, a changed one anew, one that is gone taken back', async () => {
    const { registrations, now, look } = watched();
    await registrations.start();

    now.accounts = [account('1', 'secret')];
    expect(await look()).toEqual(['register sip:user-1@trunk.example']);
    expect(await look()).toEqual([]);
    now.accounts = [account('1', 'other')];
    expect(await look()).toEqual(['remove sip:user-1@trunk.example', 'register sip:user-1@trunk.example']);
    now.accounts = [];
    expect(await look()).toEqual(['remove sip:user-1@trunk.example']);
  });

  test('one that fails is told once for each reason, with its age as a gauge, and how long it took once it is there', async () => {
    const { registrations, now, look, clock, told, metrics, changes } = watched();
    now.accounts = [account('1', 'secret')];
    await registrations.start();
    await settle();
    const [changed] = changes;

    changed?.({ type: 'failed', status: 403 });
    clock.advance(60_000);
    changed?.({ type: 'failed', status: 403 });
    changed?.({ type: 'failed', status: 408 });
    await look();
    expect([...registrations.standing.values()]).toMatchObject([
      { state: 'failed', reason: 'it does not answer (408)' },
    ]);
    expect(metrics.value('sip_registrations', { state: 'failed' })).toBe(1);
    expect(metrics.value('sip_registration_failing_seconds')).toBe(75);
    changed?.({ type: 'registered', seconds: 3600 });

    expect(told.entries.map(({ event, fields }) => [event, fields['reason'] ?? fields['failedSeconds']])).toEqual([
      ['sip.registered', undefined],
      ['sip.not_registered', 'the other side answered 403 Forbidden'],
      ['sip.not_registered', 'it does not answer (408)'],
      ['sip.registered', 75],
    ]);
    expect(metrics.value('sip_registration_failing_seconds')).toBe(0);
  });

  test('one that cannot even be asked counts as failed, and is told once', async () => {
    const { registrations, now, look, told, metrics } = watched();
    const nameless = account('1', 'secret');
    now.accounts = [{ ...nameless, text: (key) => (key === 'username' ? null : nameless.text(key)) }];
    await registrations.start();
    await look();
    await look();

    expect(told.entries.map(({ event, fields }) => [event, fields['reason']])).toEqual([
      ['sip.not_registered', 'it has no username'],
    ]);
    expect(metrics.value('sip_registrations', { state: 'failed' })).toBe(1);
    now.accounts = [];
    await look();
    expect(metrics.value('sip_registrations', { state: 'failed' })).toBe(0);
  });

  test('without the database all stays as it is', async () => {
    const { registrations, now, look } = watched();
    now.accounts = [account('1', 'secret')];
    await registrations.start();
    await look();

    now.isAway = true;

    expect(await look()).toEqual([]);
    expect(registrations.standing.size).toBe(1);
  });

  test('each account has one owner, all nodes agree on it, and when one goes only its own accounts move', () => {
    const ids = Array.from({ length: 60 }, (_, index) => `credential-${index}` as CredentialId);
    const three = ['a', 'b', 'c'];

    const before = ids.map((id) => ownerOf(id, three));
    const shuffled = ids.map((id) => ownerOf(id, ['c', 'a', 'b']));
    const after = ids.map((id) => ownerOf(id, ['a', 'c']));

    expect(shuffled).toEqual(before);
    expect(new Set(before)).toEqual(new Set(three));
    expect(after.filter((owner, index) => before[index] !== 'b' && owner !== before[index])).toEqual([]);
  });
});

function account(id: string, password: string): OpenCredential {
  const values: Record<string, string> = { host: 'trunk.example', username: `user-${id}`, password };
  return {
    id: id as CredentialId,
    projectId: PROJECT,
    provider: 'sip',
    text: (key) => values[key] ?? null,
    list: () => [],
  };
}

const OFFER = [
  'v=0',
  'o=- 7 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40998 RTP/AVP 0',
  '',
].join('\r\n');

test('a trunk with qualify is asked whether it is there, and its state is a gauge', async () => {
  const trunk = await FakeTrunk.open();
  const directory = new ScriptedDirectory();
  directory.watchedList = [trunk.credential({})];
  const world = await SipWorld.open({ directory });
  open.push(trunk, world);

  await until(() => world.metrics.value('sip_trunks', { state: 'up' }) === 1);

  expect(world.metrics.value('sip_trunks', { state: 'down' })).toBe(0);
  expect(trunk.registered).toEqual([]);
});
