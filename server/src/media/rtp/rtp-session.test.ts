import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { wait } from '../../../test/contracts/audiosocket-worker-harness.ts';
import { Notebook, tone } from '../../../test/contracts/media-harness.ts';
import { agreed } from '../../../test/contracts/rtp-phone.ts';
import { LoopbackPhone, openTestPorts, TEST_PORTS } from '../../../test/contracts/rtp-worker-harness.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../test/fakes/recording-log.ts';
import type { ReplyId } from '../../core/ids.ts';
import type { MediaEnd } from '../../core/ports/media-transport.ts';
import { spawnMediaThread, startMediaWorker } from '../media-worker.ts';
import type { RtpStats } from './rtp-stats.ts';

const REPLY = 1 as ReplyId;
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

function start() {
  const threads: Worker[] = [];
  const spawn = (memory: Parameters<typeof spawnMediaThread>[0]) => {
    const thread = spawnMediaThread(memory);
    threads.push(thread);
    return thread;
  };
  const metrics = new RecordingMetrics();
  const log = new RecordingLog();
  const worker = startMediaWorker({ log, metrics, clock: realClock, spawn });
  open.push(worker);
  return { worker, threads, metrics, log };
}

async function phone(toPort: number): Promise<LoopbackPhone> {
  const made = await LoopbackPhone.open(toPort);
  let isGone = false;
  const vanish = made.vanish.bind(made);
  made.vanish = async () => {
    if (!isGone) await vanish();
    isGone = true;
  };
  open.push({ [Symbol.asyncDispose]: () => made.vanish() });
  return made;
}

/** Waits until it is so; the suite's own time limit ends it otherwise. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await wait(10);
}

describe('ports', () => {
  test('come in pairs, the even one for RTP, and are counted while they are held', async () => {
    const { worker } = start();
    const first = await openTestPorts(worker);
    const second = await openTestPorts(worker);

    expect(first.localPort % 2).toBe(0);
    expect(first.localRtcpPort).toBe(first.localPort + 1);
    expect(second.localPort).not.toBe(first.localPort);
    expect(first.media).toBeNull();
    expect(worker.counters().rtpPorts).toBe(2);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();

    expect(worker.counters()).toMatchObject({ rtpPorts: 0, activeCalls: 0 });
  });

  test('when all are held, and while one that was freed rests, a call is refused as over capacity', async () => {
    const { worker } = start();
    const free = await openTestPorts(worker);
    const ports = { start: free.localPort, end: free.localRtcpPort };
    await free[Symbol.asyncDispose]();
    const only = await openTestPorts(worker, { ports });

    await expect(openTestPorts(worker, { ports })).rejects.toMatchObject({
      code: 'over_capacity',
      detail: `all pairs of the RTP ports ${ports.start}-${ports.end} are in use: raise SIP__RTP_PORT_RANGE_END`,
    });
    await only[Symbol.asyncDispose]();
    await expect(openTestPorts(worker, { ports })).rejects.toMatchObject({ code: 'over_capacity' });
  });

  test('a pair of which another program holds one is stepped over', async () => {
    const { worker } = start();
    const free = await openTestPorts(worker);
    const taken = free.localRtcpPort;
    await free[Symbol.asyncDispose]();
    const other = createSocket('udp4').bind(taken, '127.0.0.1');
    await once(other, 'listening');

    const ports = { start: taken - 1, end: Math.min(taken + 200, TEST_PORTS.end) };
    const sessions = await Promise.all(Array.from({ length: 20 }, () => openTestPorts(worker, { ports })));

    expect(sessions.map(({ localRtcpPort }) => localRtcpPort)).not.toContain(taken);
    other.close();
  });

  test('an address that is not of this machine is an error that names the setting', async () => {
    const { worker } = start();

    await expect(openTestPorts(worker, { bindHost: '192.0.2.1' })).rejects.toMatchObject({
      code: 'not_configured',
      detail: 'RTP cannot use 192.0.2.1 (EADDRNOTAVAIL): set SIP__SERVER',
    });
  });

  test.each(['127.0.0.1', 'localhost', '0.0.0.0', '::'])(
    'bound to %s, a phone on 127.0.0.1 is heard and hears',
    async (bindHost) => {
      const { worker } = start();
      const session = await openTestPorts(worker, { bindHost });
      const peer = await phone(session.localPort);
      const notes = new Notebook();
      session.start(peer.media).listen(notes);
      peer.talk();

      await until(() => notes.audioSamples.length > 1600 && peer.phone.packets.length > 10);
      session.end();
      await until(() => notes.ends.length > 0);

      expect(session.stats()).toMatchObject({
        isLatched: true,
        remote: `127.0.0.1:${peer.media.remote.port}`,
        refused: 0,
      });
    },
  );

  test('bound to ::1, a phone there is heard', async () => {
    const { worker } = start();
    const session = await openTestPorts(worker, { bindHost: '::1' });
    const socket = createSocket('udp6').bind(0, '::1');
    await once(socket, 'listening');
    const remote = { address: '::1', port: socket.address().port, rtcpPort: 9 };
    const peer = await phone(session.localPort);
    const received = once(socket, 'message');
    const notes = new Notebook();
    session.start(agreed('PCMU', { remote })).listen(notes);

    for (let count = 0; count < 6; count++) socket.send(peer.phone.frame(), session.localPort, '::1');
    await until(() => notes.audioSamples.length >= 6 * 160);

    expect((await received)[0]).toHaveLength(172);
    socket.close();
  });
});

describe('a session', () => {
  test('tells its end once, with the figures of the call, after the listener', async () => {
    const { worker, metrics, log } = start();
    const order: string[] = [];
    const ends: [MediaEnd, RtpStats][] = [];
    const session = await openTestPorts(worker, {
      onClosed: (end, stats) => {
        order.push('session');
        ends.push([end, stats]);
      },
    });
    const peer = await phone(session.localPort);
    const media = session.start(peer.media);
    const notes = new Notebook();
    notes.closed = () => order.push('listener');
    media.listen(notes);
    peer.talk();
    media.play({ samples: tone(3, 200, 8000), sampleRate: 8000 }, REPLY);
    await until(() => peer.phone.packets.length >= 20);

    media.close();
    await until(() => ends.length > 0);
    await session[Symbol.asyncDispose]();

    expect(order).toEqual(['listener', 'session']);
    expect(ends).toHaveLength(1);
    expect(ends[0]?.[0]).toEqual({ type: 'closed_by_us' });
    expect(ends[0]?.[1].packetsSent).toBeGreaterThanOrEqual(20);
    expect(ends[0]?.[1].packetsReceived).toBeGreaterThanOrEqual(10);
    expect(ends[0]?.[1].packetsLost).toBe(0);
    expect(worker.counters()).toMatchObject({ rtpPorts: 0, activeCalls: 0 });
    expect(metrics.value('media_rtp_port_pairs')).toBe(0);
    expect(log.events.filter((event) => event === 'media.rtp_ended')).toHaveLength(1);
  });

  test('lets its media do what was said of it', async () => {
    const { worker } = start();
    const session = await openTestPorts(worker);

    const media = session.start(agreed());

    expect(media.capabilities).toEqual({
      clock: 'local',
      maxLeadMs: 20,
      hasDtmfIn: true,
      hasDtmfOut: true,
      hasHold: true,
    });
    expect(() => session.start(agreed())).toThrow('started before');
  });

  test('is one of a crowd: all are sent to, and all end', async () => {
    const { worker } = start();
    const sessions = await Promise.all(Array.from({ length: 60 }, () => openTestPorts(worker)));
    const remote = { address: '127.0.0.1', port: 9, rtcpPort: 9 };
    for (const session of sessions) session.start(agreed('PCMU', { remote }));

    await until(() => worker.counters().framesOut >= 60 * 10);
    await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));

    expect(worker.counters()).toMatchObject({ rtpPorts: 0, activeCalls: 0, restarts: 0 });
  });

  test('refuses a start after its end', async () => {
    const { worker } = start();
    const session = await openTestPorts(worker);

    await session[Symbol.asyncDispose]();
    expect(() => session.start(agreed())).toThrow('closed');
  });

  test('a phone that vanished, ICMP and all, harms nothing: the call goes on until its silence is too long', async () => {
    const { worker } = start();
    const ends: MediaEnd[] = [];
    const session = await openTestPorts(worker, {
      silenceLimits: { firstMs: 5000, laterMs: 1000 },
      onClosed: (end) => ends.push(end),
    });
    const peer = await phone(session.localPort);
    session.start(peer.media);
    peer.talk();
    await until(() => peer.phone.packets.length >= 10);

    await peer.vanish();
    await until(() => ends.length > 0);

    expect(ends).toEqual([{ type: 'lost', detail: 'the caller sent nothing for 1 s' }]);
    expect(session.stats().socketErrors).toBeGreaterThan(0);
    expect(worker.counters().restarts).toBe(0);
  });

  test('of a worker that died ends as failed, and the next one has ports again', async () => {
    const { worker, threads } = start();
    const ends: MediaEnd[] = [];
    const session = await openTestPorts(worker, { onClosed: (end) => ends.push(end) });
    const idle = await openTestPorts(worker);
    const peer = await phone(session.localPort);
    session.start(peer.media);
    peer.talk();
    await until(() => peer.phone.packets.length >= 5);

    await threads[0]?.terminate();
    await until(() => ends.length > 0);
    const freed = createSocket('udp4').bind(session.localPort, '127.0.0.1');
    await once(freed, 'listening');
    freed.close();
    await session[Symbol.asyncDispose]();
    await idle[Symbol.asyncDispose]();
    await expect(openTestPorts(worker)).rejects.toMatchObject({ code: 'over_capacity' });
    await until(() => threads.length === 2);
    const next = await openTestPorts(worker);

    expect(ends).toEqual([{ type: 'failed', detail: 'the media worker died' }]);
    expect(next.localPort % 2).toBe(0);
    expect(worker.counters().rtpPorts).toBe(1);
  });

  test('a worker that stops says goodbye to its calls', async () => {
    const { worker } = start();
    const ends: MediaEnd[] = [];
    const session = await openTestPorts(worker, { onClosed: (end) => ends.push(end) });
    const peer = await phone(session.localPort);
    session.start(peer.media);
    peer.talk();
    await until(() => peer.phone.packets.length >= 5);

    await worker[Symbol.asyncDispose]();
    await until(() => peer.phone.isHungUp);

    expect(ends).toEqual([{ type: 'closed_by_us' }]);
    await expect(openTestPorts(worker)).rejects.toMatchObject({ code: 'draining' });
  });
});
