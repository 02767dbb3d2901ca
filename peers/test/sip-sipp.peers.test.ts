import { createHash } from 'node:crypto';
import { ADMISSION_LIMITS } from '@assistant/server/channels/sip/admission';
import { ASSISTANT, KEY, SipWorld, until, type WorldOptions } from '@assistant/server/channels/sip/fakes/sip-world';
import { createNonce } from '@assistant/server/protocols/digest/nonce';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { runSipp, type SippResult, type SippRun } from '../src/sipp/sipp.ts';
import { hitchesOf } from '../src/sipp/sipp-counts.ts';

/** Debian's SIPp plays our scenarios against the SIP channel; calls and media behind it are scripted, so that each race can be set up. */
const NUMBER = '15550100';
const NO_HITCH = { sentAgain: 0, cameAgain: 0, missing: 0, unexpected: 0 };

const open: SipWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world[Symbol.asyncDispose]();
});

async function start(options?: WorldOptions): Promise<SipWorld> {
  const world = await SipWorld.open(options);
  open.push(world);
  return world;
}

/** Plays a scenario to its end, which must be the planned one. */
async function play(world: SipWorld, scenario: string, options: Partial<SippRun> = {}): Promise<SippResult> {
  const { ports } = world.server;
  const port = options.transport === 'TCP' ? ports.tcp : ports.udp;
  const result = await runSipp({ scenario, port, service: ASSISTANT, password: KEY, ...options });
  expect(result.complaint).toBe('');
  expect(result.isPassed).toBe(true);
  return result;
}

/** Ports are handed out only when the function it gives is called: until then the call rings. */
function holdRinging(world: SipWorld): () => void {
  const gate = Promise.withResolvers<void>();
  world.rtp.gate = gate.promise;
  onTestFinished(() => gate.resolve());
  return gate.resolve;
}

describe.each(['UDP', 'TCP'] as const)('over %s', (transport) => {
  test('the dial string of the manual', async () => {
    const world = await start();

    const { counts } = await play(world, 'dial-string', { transport });

    expect(hitchesOf(counts)).toEqual(NO_HITCH);
    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
    expect(world.calls.announced[0]).toMatchObject({ assistantId: ASSISTANT, from: '+15550199' });
  });

  test('digest: any number is dialled, the user name is the assistant', async () => {
    const world = await start();

    const { counts } = await play(world, 'digest', { transport, service: NUMBER, username: ASSISTANT });

    expect(hitchesOf(counts)).toEqual(NO_HITCH);
    expect(world.calls.announced[0]).toMatchObject({ assistantId: ASSISTANT, to: NUMBER });
  });

  test('cancelled while it rings', async () => {
    const world = await start();
    holdRinging(world);

    await play(world, 'cancel', { transport });

    await until(() => world.calls.log.length === 2);
    expect(world.calls.log).toEqual(['opened', 'ended cancelled']);
    expect(world.server.load.calls).toBe(0);
  });
});

describe('who is let in', () => {
  test('digest by SHA-256', async () => {
    const world = await start();

    await play(world, 'digest-sha-256', {
      service: NUMBER,
      keys: { authorization: sha256Authorization(`sip:${NUMBER}@127.0.0.1:${world.server.ports.udp}`) },
    });

    expect(world.calls.announced[0]?.assistantId).toBe(ASSISTANT);
  });

  test('a wrong password', async () => {
    const world = await start();

    await play(world, 'wrong-password', { username: ASSISTANT, password: 'rpd-wrong' });

    expect(world.calls.log).toEqual([]);
  });

  test('a phone registers, and takes it back', async () => {
    const world = await start();

    await play(world, 'register', { username: ASSISTANT });
  });
});

describe('CANCEL', () => {
  test('while the caller is still looked up: no call is opened', async () => {
    const world = await start();
    const gate = Promise.withResolvers<void>();
    world.directory.gate = gate.promise;

    await play(world, 'cancel-before-180');
    gate.resolve();
    await until(() => world.server.load.dialogs === 0);

    expect(world.calls.log).toEqual([]);
  });

  test('repeated', async () => {
    const world = await start();
    holdRinging(world);

    await play(world, 'cancel-repeated');
  });

  test('crossing the 200 changes nothing', async () => {
    const world = await start();

    await play(world, 'cancel-crosses-200');

    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  });

  test('of an INVITE that nobody sent', async () => {
    await play(await start(), 'cancel-nothing');
  });
});

describe('offers and answers', () => {
  test('the offer comes late', async () => {
    const world = await start();

    await play(world, 'delayed-offer');

    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  });

  test('hold and resume by re-INVITE, by direction and by address', async () => {
    const world = await start();

    await play(world, 'hold');

    const directions = world.rtp.calls[0]?.agreed.map(({ direction }) => direction);
    expect(directions).toEqual(['sendrecv', 'recvonly', 'sendrecv', 'recvonly', 'sendrecv']);
  });

  test('UPDATE', async () => {
    const world = await start();

    await play(world, 'update');

    expect(world.rtp.calls[0]?.agreed.map(({ direction }) => direction)).toEqual(['sendrecv', 'recvonly']);
  });

  test('no codec in common', async () => {
    const world = await start();

    await play(world, 'not-acceptable');

    await until(() => world.calls.log.length === 2);
    expect(world.calls.log).toEqual(['opened', 'ended rejected']);
  });

  test('a provisional response that must be confirmed', async () => {
    const world = await start();

    await play(world, 'reliable-provisional');

    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  });
});

describe('in a call', () => {
  test('the session timer is granted, and refreshed by the caller', async () => {
    await play(await start(), 'session-timer');
  });

  test('a session timer that is too short', async () => {
    await play(await start(), 'session-timer-too-short');
  });

  test('keys by INFO', async () => {
    const world = await start();

    await play(world, 'info-digit');

    expect(world.calls.digits).toEqual(['5']);
  });

  test('the server hangs up', async () => {
    const world = await start();

    const playing = play(world, 'server-hangs-up');
    await until(() => world.calls.attached.length === 1);
    world.calls.attached[0]?.close();
    await playing;

    await until(() => world.server.load.dialogs === 0);
    expect(world.calls.log).toEqual(['opened', 'attached', 'media closed_by_us']);
  });

  test('a caller that wants us to call somebody', async () => {
    await play(await start(), 'refer-refused');
  });
});

describe('beside calls', () => {
  test('OPTIONS', async () => {
    await play(await start(), 'options');
  });

  test('a dialog nobody knows', async () => {
    await play(await start(), 'unknown-dialog');
  });

  test('an extension nobody has', async () => {
    const world = await start();

    await play(world, 'require-unknown');

    expect(world.calls.log).toEqual([]);
  });

  test('compact forms', async () => {
    const world = await start();

    await play(world, 'compact-forms');

    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  });

  test('drained: no new calls', async () => {
    const world = await start();
    world.server.drain();

    await play(world, 'refused-for-now');
    await play(world, 'options-refused-for-now');

    expect(world.calls.log).toEqual([]);
  });

  test('more than a source may send', async () => {
    const world = await start({ limits: { ...ADMISSION_LIMITS, stranger: { burst: 2, perSecond: 0 } } });

    await play(world, 'options', { calls: 2 });
    await play(world, 'options-refused-for-now');
  });
});

describe.concurrent('what takes its time', () => {
  test('the 200 is sent again until its ACK, and never after it', async () => {
    await using world = await SipWorld.open();

    const { counts } = await play(world, 'ack-late');

    expect(counts).toMatchObject({ '3_200_Recv': 1, '3_200_Retrans': 2 });
    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  });

  test('without any ACK a BYE ends the call after 32 s', { timeout: 90_000 }, async () => {
    await using world = await SipWorld.open();

    const { counts } = await play(world, 'ack-never', { timeoutSeconds: 60 });

    // At 0.5, 1.5, 3.5, 7.5 s, and then every 4 s up to 31.5 s.
    expect(counts['3_200_Retrans']).toBe(10);
    await until(() => world.server.load.dialogs === 0);
    expect(world.calls.log).toEqual(['opened', 'attached', 'media lost']);
  });

  test('the server refreshes the session at half of its interval', { timeout: 120_000 }, async () => {
    await using world = await SipWorld.open();

    await play(world, 'session-refreshed-by-server', { timeoutSeconds: 70 });

    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  });
});

/** The Authorization of a client that knows SHA-256 (RFC 7616, 3.4.1), with a nonce as the server of a SipWorld makes it. */
function sha256Authorization(uri: string): string {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const input = { nowMs: Date.now(), source: '127.0.0.1', salt: Buffer.from('sippsi') };
  const nonce = createNonce(Buffer.alloc(32, 7), input);
  const ha1 = hash(`${ASSISTANT}:assistant-api:${KEY}`);
  const response = hash(`${ha1}:${nonce}:00000001:cafe:auth:${hash(`INVITE:${uri}`)}`);
  const quoted = Object.entries({ username: ASSISTANT, realm: 'assistant-api', nonce, uri, response, cnonce: 'cafe' });
  const words = quoted.map(([name, value]) => `${name}="${value}"`);
  return `Digest ${[...words, 'algorithm=SHA-256', 'qop=auth', 'nc=00000001'].join(', ')}`;
}
