import { afterEach, describe, expect, test } from 'vitest';
import type { CredentialId } from '../../core/ids.ts';
import { headersOf } from '../../protocols/sip/message/message.ts';
import { openRawPhone, rawRequest } from './fakes/raw-phone.ts';
import { ASSISTANT, KEY, NOBODY, PROJECT, SipWorld, until } from './fakes/sip-world.ts';

const TRUNK = 'credential-1' as CredentialId;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function start(): Promise<SipWorld> {
  const world = await SipWorld.open();
  open.push(world);
  return world;
}

async function rawPhone(toPort: number) {
  const phone = await openRawPhone(toPort);
  open.push(phone);
  return phone;
}

describe('who is let in', () => {
  test('the dial string of the manual, without a challenge', async () => {
    const world = await start();

    const dialled = (await world.phone()).dial({ user: `${ASSISTANT}:${KEY}`, password: null });
    await dialled.answered();

    expect(world.calls.announced[0]).toMatchObject({ assistantId: ASSISTANT, to: ASSISTANT });
    expect(world.metrics.value('sip_requests_total', { method: 'INVITE', outcome: 'challenged' })).toBe(0);
  });

  test('a trunk by its address, found by the number that was dialled', async () => {
    const world = await start();
    world.directory.trunkList = [
      {
        assistantId: NOBODY as never,
        projectId: PROJECT,
        credentialId: TRUNK,
        number: '15550101',
        allowCidrs: ['127.0.0.0/8'],
      },
      {
        assistantId: ASSISTANT,
        projectId: PROJECT,
        credentialId: TRUNK,
        number: '+1 555 0100',
        allowCidrs: ['127.0.0.1'],
      },
    ];

    await (await world.phone()).dial({ password: null }).answered();

    expect(world.calls.announced[0]?.assistantId).toBe(ASSISTANT);
  });

  test('an address on no list is challenged: MD5 first, then SHA-256', async () => {
    const world = await start();
    world.directory.trunkList = [
      { assistantId: ASSISTANT, projectId: PROJECT, credentialId: TRUNK, number: null, allowCidrs: ['192.0.2.0/24'] },
    ];

    const refused = await (await world.phone()).dial({ password: null }).refused();

    const challenges = headersOf(refused, 'WWW-Authenticate').map((value) => /algorithm=([\w-]+)/.exec(value)?.[1]);
    expect([refused.status, challenges]).toEqual([401, ['MD5', 'SHA-256']]);
  });

  test.each([
    ['digest', { username: ASSISTANT, password: 'wrong' }, { username: NOBODY, password: 'wrong' }],
    ['a dial string', { user: `${ASSISTANT}:wrong`, password: null }, { user: `${NOBODY}:wrong`, password: null }],
  ])('%s: a wrong password and an assistant nobody has look the same', async (_name, wrong, unknown) => {
    const answers: unknown[] = [];
    for (const dialling of [wrong, unknown]) {
      const world = await start();
      const { status, reason, headers } = await (await world.phone()).dial(dialling).refused();
      answers.push({ status, reason, names: headers.map(({ name }) => name), asked: world.directory.asked });
      expect(world.calls.log).toEqual([]);
    }

    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ status: 401 });
  });

  test('a source that fails on is refused without a challenge, then hears nothing at all', async () => {
    const world = await start();
    const phone = await world.phone('TCP');
    const statuses: number[] = [];

    for (let call = 0; call < 20; call++)
      statuses.push((await phone.dial({ user: `${ASSISTANT}:wrong`, password: null }).refused()).status);
    const socket = await rawPhone(world.server.ports.udp);
    socket.send(rawRequest('OPTIONS', 'one'));
    await until(() => world.metrics.value('sip_requests_total', { method: 'OPTIONS', outcome: 'dropped' }) === 1);

    expect(statuses).toEqual([...Array(4).fill(401), ...Array(16).fill(403)]);
    expect(socket.heard).toEqual([]);
  });

  test('over UDP, where addresses can be forged, only a wrong answer to our own nonce counts', async () => {
    const world = await start();
    const phone = await world.phone('UDP');
    const forged = `Digest username="${ASSISTANT}", realm="assistant-api", nonce="AAAA", uri="sip:1", response="00"`;
    const headers = [{ name: 'Authorization', value: forged }];
    const statuses: number[] = [];

    for (let call = 0; call < 25; call++) {
      const dialling = call % 2 ? { headers } : { user: `${ASSISTANT}:wrong` };
      statuses.push((await phone.dial({ ...dialling, password: null }).refused()).status);
    }
    for (let call = 0; call < 5; call++) statuses.push((await phone.dial({ password: 'wrong' }).refused()).status);
    statuses.push((await phone.dial({ password: null }).refused()).status);

    expect(statuses.slice(0, 29)).toEqual(Array(29).fill(401));
    expect(statuses.slice(29)).toEqual([403, 403]);
  });

  test('a scanner that says its name hears nothing', async () => {
    const world = await start();
    const socket = await rawPhone(world.server.ports.udp);

    socket.send(rawRequest('OPTIONS', 'one', 'User-Agent: friendly-scanner'));
    socket.send(rawRequest('OPTIONS', 'two'));
    await until(() => socket.heard.length === 1);

    expect(socket.heard).toEqual(['200 two']);
  });

  test('the key is in no log line and not in what is kept of the call', async () => {
    const world = await start();
    const headers = [{ name: 'X-Note', value: `sip:${ASSISTANT}:${KEY}@host` }];

    await (await world.phone()).dial({ user: `${ASSISTANT}:${KEY}`, password: null, headers }).answered();
    const stranger = await SipWorld.open();
    open.push(stranger);
    const phone = await stranger.phone('TCP');
    for (let call = 0; call < 6; call++) await phone.dial({ user: `${ASSISTANT}:${KEY}x`, password: null }).refused();

    expect(stranger.log.events).toContain('sip.refused');
    expect(JSON.stringify([world.log.entries, stranger.log.entries, world.calls.announced])).not.toContain(KEY);
    expect(world.calls.announced[0]?.headers['x-note']).toBe(`sip:${ASSISTANT}:***@host`);
  });
});
