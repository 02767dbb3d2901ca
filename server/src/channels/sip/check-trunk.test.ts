import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../test/fakes/real-clock.ts';
import { askTrunk, sipCredentialCheck } from './check-trunk.ts';
import { FakeTrunk } from './fakes/fake-trunk.ts';
import { cryptoRandom } from './fakes/sip-world.ts';

const PARTS = { clock: realClock, random: cryptoRandom };
const ACCOUNT = { username: 'line7', password: 'secret', register: 'true' };

let trunk: FakeTrunk;
beforeEach(async () => {
  trunk = await FakeTrunk.open();
  trunk.login = 'line7:secret';
});
afterEach(() => trunk[Symbol.asyncDispose]());

function ask(values: Readonly<Record<string, string>>, limitMs = 10_000) {
  return askTrunk(PARTS, trunk.credential(values), AbortSignal.timeout(limitMs));
}

describe('an account that is to be registered', () => {
  test.each([
    ['with a contact of ours', 'sip:line-0123456789abcdef01234567@192.0.2.1', 1, 'registered: calls to it come to us'],
    ['with the contact of a phone', 'sip:desk@192.0.2.1', 0, 'it takes the account, which is not registered now'],
    ['without any', '', 0, 'it takes the account, which is not registered now'],
  ])('%s at the trunk', async (_name, contact, contacts, detail) => {
    trunk.contact = contact;

    expect(await ask(ACCOUNT)).toEqual({ contacts, detail });
    expect(trunk.registered).toEqual([]);
    expect(trunk.contact).toBe(contact);
  });

  test('whose password the trunk does not take', async () => {
    await expect(ask({ ...ACCOUNT, password: 'wrong' })).rejects.toMatchObject({
      code: 'carrier_failed',
      detail: expect.stringMatching(/401.*does not take username and password/),
    });
  });

  test('without a user name', async () => {
    await expect(ask({ register: 'true' })).rejects.toMatchObject({ code: 'carrier_failed' });
  });
});

test('a trunk that we only call over is asked whether it is there', async () => {
  expect(await ask({})).toEqual({ contacts: null, detail: 'it answers; a password shows in the first call' });
  const check = sipCredentialCheck(PARTS);
  expect(await check(trunk.credential(), AbortSignal.timeout(10_000))).toContain('it answers');
});

test('by TCP as well', async () => {
  await using other = await FakeTrunk.open('tcp');

  expect(await askTrunk(PARTS, other.credential(ACCOUNT), AbortSignal.timeout(10_000))).toMatchObject({ contacts: 0 });
});

test('a trunk that says nothing is told of when the time is up, and one whose name leads nowhere at once', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');

  await expect(ask({ ...ACCOUNT, port: `${silent.address().port}` }, 300)).rejects.toMatchObject({
    detail: '127.0.0.1 does not answer, or its name leads nowhere',
  });
  silent.close();
  await expect(ask({ ...ACCOUNT, host: 'nowhere.invalid' })).rejects.toMatchObject({
    detail: 'nowhere.invalid does not answer, or its name leads nowhere',
  });
});
