import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CredentialId } from '../../src/core/ids.ts';
import type { CallChange, CarrierWatch, Channel } from '../../src/core/ports/channel.ts';
import { type DiallingWorld, diallingWorld, NODE, placed } from './dialling-world.ts';

let world: DiallingWorld;
let watching: Disposable | null = null;

beforeAll(async () => {
  world = await diallingWorld();
});
afterEach(() => watching?.[Symbol.dispose]());
afterAll(() => world[Symbol.asyncDispose]());

describe('a channel that watches its carrier', () => {
  test('knows the accounts of enabled deployments, and of no others', async () => {
    const line = await world.line('asterisk');
    const other = await world.line('twilio');
    const watch = watchOn();

    const ids = (await watch.accounts()).map(({ id }) => id);

    expect(ids).toContain(line.deployment.credentialId);
    expect(ids).not.toContain(other.deployment.credentialId);
  });

  test('is told which placed calls of an account wait, until their audio comes', async () => {
    const { contextId, account } = await ringing();
    const watch = watchOn();

    expect(await watch.unanswered([account])).toEqual([{ contextId, providerCallId: `rapida-${contextId}` }]);
    await world.storage.calls.claim(contextId, 'asterisk', NODE);
    expect(await watch.unanswered([account])).toEqual([]);
  });

  test.each<[CallChange, string]>([
    [{ type: 'ringing' }, 'ringing'],
    [{ type: 'answered' }, 'live'],
    [{ type: 'ended', reason: 'busy' }, 'failed busy'],
    [{ type: 'ended', reason: 'no_answer' }, 'failed no_answer'],
    [{ type: 'ended', reason: 'caller_hung_up' }, 'failed never_connected'],
  ])('%j of a call that waits: it is %s', async (change, outcome) => {
    const { contextId, account, call } = await ringing();

    await watchOn().report([account], contextId, change);

    expect(await call(contextId)).toBe(outcome);
  });

  test('a call is not believed to another account', async () => {
    const { contextId, call } = await ringing();
    const { account } = await ringing();

    await watchOn().report([account], contextId, { type: 'ended', reason: 'busy' });

    expect(await call(contextId)).toBe('ringing');
  });

  test('busy comes before the answer to our own request: the call stays ended, and what rings is let go', async () => {
    const { queued, call, deployment } = await world.line('asterisk');
    const contextId = await queued();
    const account = deployment.credentialId as CredentialId;
    const watch = watchOn();
    let isFirst = true;
    world.now.answer = (request) => {
      // The event overtakes the answer.
      if (isFirst) early = watch.report([account], contextId, { type: 'ended', reason: 'busy' });
      isFirst = false;
      return placed(request);
    };
    let early = Promise.resolve();

    await world.place();
    await early;

    expect(await call(contextId)).toBe('failed busy');
    expect(await world.place()).toBe(false);
  });
});

async function ringing() {
  const line = await world.line('asterisk');
  const contextId = await line.queued();
  world.now.answer = placed;
  await world.place();
  return { ...line, contextId, account: line.deployment.credentialId as CredentialId };
}

function watchOn(): CarrierWatch {
  let given: CarrierWatch | undefined;
  const channel: Channel = {
    name: 'asterisk',
    watch: (watch) => {
      given = watch;
      return { [Symbol.dispose]: () => {} };
    },
  };
  watching = world.work().watchCarrier(channel);
  if (!given) throw new Error('the channel was given nothing to watch with');
  return given;
}
