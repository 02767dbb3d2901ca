import { expect, test } from 'vitest';
import { FakeClock, settle } from '../../../test/fakes/fake-clock.ts';
import { DigestClient } from '../../protocols/digest/digest-client.ts';
import { DigestServer } from '../../protocols/digest/digest-server.ts';
import { FakeFlow, request } from '../../protocols/sip/fakes/wire.ts';
import { SipAuthenticator } from './authenticate.ts';
import { ASSISTANT, cryptoRandom, KEY, NOBODY, ScriptedDirectory } from './fakes/sip-world.ts';
import { SourceStanding } from './source-standing.ts';

function authenticator() {
  const clock = new FakeClock();
  const digest = new DigestServer({ realm: 'test', key: Buffer.alloc(32, 1), randomBytes: cryptoRandom.bytes });
  const standing = new SourceStanding(() => clock.nowMs());
  const directory = new ScriptedDirectory();
  const one = new SipAuthenticator({ directory, digest, realm: 'test', standing, clock, accountOf: () => null });
  const flow = new FakeFlow();
  const challenge = () => digest.challenge({ source: flow.remote.address, nowMs: clock.date().getTime() });
  const sign = (username: string, password: string, uri: string) => {
    const client = new DigestClient({ username, password }, cryptoRandom.bytes);
    const [value = ''] = client.answer(challenge(), { method: 'INVITE', uri });
    return `Authorization: ${value}`;
  };
  const ask = (uri: string, ...lines: string[]) => one.authenticate(request(`INVITE ${uri}`, ...lines), flow);
  return { clock, ask, sign };
}

test.each([
  ['digest', ASSISTANT],
  ['digest', NOBODY],
  ['dial string', ASSISTANT],
  ['dial string', NOBODY],
])('wrong credentials by %s for %s are answered after 50 ms, not before', async (by, id) => {
  const { clock, ask, sign } = authenticator();
  const uri = by === 'digest' ? 'sip:100@192.0.2.1' : `sip:${id}:wrong@192.0.2.1`;
  let verdict: unknown;
  void ask(uri, ...(by === 'digest' ? [sign(id, 'wrong', uri)] : [])).then((given) => {
    verdict = given;
  });

  await settle();
  clock.advance(49);
  await settle();
  const before = verdict;
  clock.advance(1);
  await settle();

  expect(before).toBeUndefined();
  expect(verdict).toMatchObject({ type: 'refused', status: 401 });
});

test('right credentials are answered at once, and a repeated request is a stale one', async () => {
  const { clock, ask, sign } = authenticator();
  const uri = 'sip:100@192.0.2.1';
  const header = sign(ASSISTANT, KEY, uri);

  const first = await ask(uri, header);
  const second = ask(uri, header);
  await settle();
  clock.advance(50);

  expect(first).toMatchObject({ type: 'accepted', by: 'digest', assistant: { assistantId: ASSISTANT } });
  expect(await second).toMatchObject({ type: 'refused', status: 401 });
  expect(JSON.stringify(await second)).toContain('stale=true');
});
