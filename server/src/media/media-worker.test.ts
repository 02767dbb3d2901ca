import { createServer } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { ID_FRAME } from '../../test/contracts/audiosocket-plane-harness.ts';
import { LoopbackPeer, wait } from '../../test/contracts/audiosocket-worker-harness.ts';
import { Notebook, tone } from '../../test/contracts/media-harness.ts';
import { realClock } from '../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../test/fakes/recording-log.ts';
import type { ReplyId } from '../core/ids.ts';
import { serialiseFrame } from '../protocols/audiosocket/frame.ts';
import type { MediaArrival } from './media-desk.ts';
import { type MediaWorker, spawnMediaThread, startMediaWorker } from './media-worker.ts';

const REPLY = 1 as ReplyId;
const SILENCE = serialiseFrame(0x10, Buffer.alloc(320));
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

/** A worker with one listener; what arrives is kept. */
async function start() {
  const log = new RecordingLog();
  const metrics = new RecordingMetrics();
  const threads: Worker[] = [];
  const worker = startMediaWorker({
    log,
    metrics,
    clock: realClock,
    spawn: (memory) => {
      const thread = spawnMediaThread(memory);
      threads.push(thread);
      return thread;
    },
  });
  open.push(worker);
  const arrivals: MediaArrival[] = [];
  const listener = await listen(worker, arrivals);
  return { log, metrics, threads, worker, arrivals, listener };
}

function listen(worker: MediaWorker, arrivals: MediaArrival[]) {
  return worker.listenAudioSocket({ host: '127.0.0.1', port: 0, onArrival: (arrival) => arrivals.push(arrival) });
}

function call(port: number): LoopbackPeer {
  const peer = new LoopbackPeer(port);
  open.push({ [Symbol.asyncDispose]: async () => void peer.socket.destroy() });
  peer.send(ID_FRAME);
  peer.send(SILENCE);
  return peer;
}

/** Waits until it is so; the suite's own time limit ends it otherwise. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await wait(10);
}

describe('the media worker', () => {
  test('says where it listens, in a form that can be printed', async () => {
    const { listener } = await start();

    expect(listener.address).toBe(`127.0.0.1:${listener.port}`);
    expect(listener.port).toBeGreaterThan(0);
  });

  test('a port that is taken is an error that names the setting', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await until(() => taken.listening);
    const { worker } = await start();
    const port = (taken.address() as { port: number }).port;

    const listening = worker.listenAudioSocket({ host: '127.0.0.1', port, onArrival: () => {} });

    await expect(listening).rejects.toMatchObject({
      code: 'not_configured',
      detail: `AudioSocket cannot listen on 127.0.0.1 port ${port} (EADDRINUSE): set AUDIOSOCKET__HOST or AUDIOSOCKET__PORT`,
    });
    taken.close();
  });

  test('a refused call gets 0x00 and then FIN', async () => {
    const { arrivals, listener } = await start();
    const peer = call(listener.port);
    await until(() => arrivals.length === 1);

    arrivals[0]?.media.close();
    await until(() => peer.hasEnded);

    expect(peer.ear.isHungUp).toBe(true);
  });

  test('a thread that dies ends its calls as failed, and a new one takes calls on the same port', async () => {
    const { arrivals, listener, threads, log, worker } = await start();
    call(listener.port);
    await until(() => arrivals.length === 1);
    const notes = new Notebook();
    arrivals[0]?.media.listen(notes);

    await threads[0]?.terminate();
    await until(() => notes.ends.length > 0);
    await until(() => log.events.filter((event) => event === 'media.listening').length === 2);
    call(listener.port);
    await until(() => arrivals.length === 2);

    expect(notes.ends).toEqual([{ type: 'failed', detail: 'the media worker died' }]);
    expect(arrivals[0]?.media.play({ samples: tone(1, 20, 8000), sampleRate: 8000 }, REPLY)).toBe(0);
    expect(worker.counters()).toMatchObject({ activeCalls: 1, restarts: 1, lateVerbs: 1 });
    expect(log.events).toContain('media.worker_died');
  });

  test('drained, it takes no new call and lets the live one go on', async () => {
    const { arrivals, listener } = await start();
    const live = call(listener.port);
    await until(() => arrivals.length === 1);

    listener.drain();
    await wait(50);
    const late = call(listener.port);
    await until(() => late.hasEnded);
    const heard = live.ear.frames.length;
    await until(() => live.ear.frames.length > heard + 5);

    expect(arrivals).toHaveLength(1);
  });

  test('a closed listener ends its calls and frees the port; the other listener lives', async () => {
    const { arrivals, listener, worker } = await start();
    const others: MediaArrival[] = [];
    const other = await listen(worker, others);
    const peer = call(listener.port);
    call(other.port);
    await until(() => arrivals.length === 1 && others.length === 1);
    const notes = new Notebook();
    const otherNotes = new Notebook();
    arrivals[0]?.media.listen(notes);
    others[0]?.media.listen(otherNotes);

    await listener[Symbol.asyncDispose]();
    await until(() => notes.ends.length > 0);
    const again = createServer().listen(listener.port, '127.0.0.1');
    await until(() => again.listening);

    expect(peer.ear.isHungUp).toBe(true);
    expect(otherNotes.ends).toEqual([]);
    again.close();
  });

  test('a peer that talks on after our hang-up is cut off, within a second or so', async () => {
    const { arrivals, listener } = await start();
    const peer = call(listener.port);
    peer.socket.removeAllListeners('end');
    let isCutOff = false;
    peer.socket.on('error', () => {
      isCutOff = true;
    });
    await until(() => arrivals.length === 1);

    arrivals[0]?.media.close();
    peer.speak(tone(1, 10_000, 8000));
    await until(() => isCutOff);

    expect(peer.ear.isHungUp).toBe(true);
  });

  test('stopped, it hangs up every call, and nothing of it keeps the process alive', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    const { arrivals, listener, metrics, worker } = await start();
    const peer = call(listener.port);
    await until(() => arrivals.length === 1);
    const notes = new Notebook();
    arrivals[0]?.media.listen(notes);

    await worker[Symbol.asyncDispose]();
    await until(() => peer.hasEnded);

    expect(notes.ends).toEqual([{ type: 'closed_by_us' }]);
    expect(worker.counters()).toMatchObject({ activeCalls: 0, unnamedSockets: 0, framesInUse: 0 });
    expect(metrics.value('media_active_calls')).toBe(0);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort')).toHaveLength(before);
  });
});
