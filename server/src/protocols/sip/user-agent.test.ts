import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { hashUser } from '../digest/digest.ts';
import { DigestClient } from '../digest/digest-client.ts';
import { DigestServer } from '../digest/digest-server.ts';
import type { AgreedMedia } from '../sdp/agreed-media.ts';
import { SdpNegotiator } from '../sdp/sdp-negotiator.ts';
import type { Call } from './call/call.ts';
import type { Clock } from './environment.ts';
import { NO_DNS } from './fakes/agent.ts';
import { headerOf } from './message/message.ts';
import type { Protocol } from './transport/flow.ts';
import { openStreamTransport } from './transport/stream-transport.ts';
import { openUdpTransport } from './transport/udp-transport.ts';
import { answerWithDigest } from './uac/answer-challenge.ts';
import type { IncomingCall } from './uas/incoming-call.ts';
import { UserAgent } from './user-agent.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** The real clock; what its timers wait for are answers over loopback, never their own time. */
const CLOCK: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

describe.each<Protocol>(['UDP', 'TCP'])('two user agents over %s on loopback', (protocol) => {
  test('a challenged call is answered, its media agreed, held, resumed and hung up', async () => {
    const digest = new DigestServer({ realm: 'test', key: Buffer.alloc(32, 1), randomBytes });
    const heard: string[] = [];
    const server = await agent(protocol, (incoming) => answerIfKnown(incoming, digest, heard));
    const client = await agent(protocol, (incoming) => incoming.reject(603));
    const { port } = server.local;
    const media: AgreedMedia[] = [];
    const ended = Promise.withResolvers<string>();
    const changed = new EventQueue();

    const negotiator = new SdpNegotiator({ local: local(20_000), id: '1', changed: (agreed) => media.push(agreed) });
    const call = await new Promise<Call>((answered, refused) => {
      client.agent.call({
        to: `sip:100@127.0.0.1:${port}${protocol === 'TCP' ? ';transport=tcp' : ''}`,
        from: { uri: 'sip:us@127.0.0.1', params: new Map() },
        media: negotiator,
        credentials: answerWithDigest(new DigestClient({ username: '42', password: 'key' }, randomBytes)),
        handlers: {
          answered,
          refused: (status) => refused(new Error(`refused ${status}`)),
          ended: ended.resolve,
          mediaChanged: () => changed.push('media'),
        },
      });
    });
    await changed.next();
    negotiator.direction = 'sendonly';
    call.reoffer();
    await changed.next();
    call.hangUp();

    expect(await ended.promise).toBe('hung up');
    expect(media.map(({ codec, remote, direction }) => `${codec.name} ${remote.port} ${direction}`)).toEqual([
      'PCMU 30000 sendrecv',
      'PCMU 30000 sendonly',
    ]);
    await until(() => heard.includes('ended: peer hung up'));
    expect(heard).toEqual(['challenged', 'PCMU sendrecv', 'established', 'PCMU recvonly', 'ended: peer hung up']);
  });

  test('a call given up while it rings is cancelled on both sides', async () => {
    const incoming = Promise.withResolvers<IncomingCall>();
    const server = await agent(protocol, incoming.resolve);
    const client = await agent(protocol, () => {});
    const refused = Promise.withResolvers<number>();
    const ringing = Promise.withResolvers<number>();
    const outgoing = client.agent.call({
      to: `sip:100@127.0.0.1:${server.local.port}${protocol === 'TCP' ? ';transport=tcp' : ''}`,
      from: { uri: 'sip:us@127.0.0.1', params: new Map() },
      media: new SdpNegotiator({ local: local(20_000), id: '1', changed: () => {} }),
      handlers: { answered: () => {}, refused: refused.resolve, ended: () => {}, progress: ringing.resolve },
    });
    const call = await incoming.promise;
    const cancelled = Promise.withResolvers<void>();
    call.onCancelled = cancelled.resolve;
    call.ring();
    await ringing.promise;

    outgoing.cancel();

    await cancelled.promise;
    expect(await refused.promise).toBe(487);
    expect(server.agent.load.dialogs).toBe(0);
  });
});

function answerIfKnown(incoming: IncomingCall, digest: DigestServer, heard: string[]) {
  const source = incoming.flow.remote.address;
  const header = headerOf(incoming.request, 'Authorization');
  const claim = header === undefined ? undefined : digest.claim(header);
  if (header === undefined || claim === undefined) {
    heard.push('challenged');
    const challenges = digest.challenge({ source, nowMs: Date.now() });
    incoming.reject(
      401,
      challenges.map((value) => ({ name: 'WWW-Authenticate', value })),
    );
    return;
  }
  const ha1 = hashUser(claim.algorithm, claim.username, 'test', 'key');
  const verdict = digest.verify({ method: 'INVITE', header, source, nowMs: Date.now() }, [ha1]);
  if (verdict.type !== 'accepted') return incoming.reject(403);
  const media = new SdpNegotiator({
    local: local(30_000),
    id: '2',
    changed: ({ codec, direction }) => void heard.push(`${codec.name} ${direction}`),
  });
  incoming.ring();
  incoming.accept(media, {
    established: () => void heard.push('established'),
    ended: (why) => void heard.push(`ended: ${why}`),
  });
}

async function agent(protocol: Protocol, onInvite: (call: IncomingCall) => void) {
  let counter = 0;
  const seed = `${Math.random()}`;
  const random = {
    bytes: (count: number) =>
      new Uint8Array(createHmac('sha256', seed).update(`${counter++}`).digest().subarray(0, count)),
    below: (limit: number) => Math.floor(Math.random() * limit),
  };
  const one = new UserAgent({ clock: CLOCK, random, resolver: NO_DNS, product: 'test', onInvite });
  open.push(one);
  const bind = { address: '127.0.0.1', port: 0 };
  const transport =
    protocol === 'UDP'
      ? await openUdpTransport(bind, one.transportEvents)
      : await openStreamTransport(bind, { clock: CLOCK }, one.transportEvents);
  one.listen(transport);
  return { agent: one, local: transport.local };
}

/** Counts what happens, for whoever waits. */
class EventQueue {
  readonly #events: string[] = [];
  #waiting: (() => void) | undefined;
  push(event: string): void {
    this.#events.push(event);
    this.#waiting?.();
  }
  async next(): Promise<string> {
    if (this.#events.length === 0)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    return this.#events.shift() ?? '';
  }
}

function local(port: number) {
  return { address: '127.0.0.1', port, codecs: ['PCMU', 'PCMA'] as const };
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
