import { connect, type Socket } from 'node:net';
import type { MediaTransport } from '@assistant/server/core/ports/media-transport';
import { type MediaWorker, startMediaWorker } from '@assistant/server/media/media-worker';
import { serialiseFrame } from '@assistant/server/protocols/audiosocket/frame';
import { settle } from '../fakes/fake-clock.ts';
import { realClock } from '../fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import { AudioSocketEar, bytesOf, ID_FRAME } from './audiosocket-plane-harness.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';

const FRAME_SAMPLES = 160;

/** A peer on loopback TCP: an Asterisk of few words. */
export class LoopbackPeer {
  readonly ear = new AudioSocketEar();
  readonly socket: Socket;
  hasEnded = false;
  readonly #speech: Int16Array[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk) => this.ear.take(chunk));
    this.socket.on('end', () => {
      this.hasEnded = true;
      this.socket.end();
    });
    this.socket.on('error', () => {
      this.hasEnded = true;
    });
  }

  send(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Says audio in real time, 20 ms a frame, one piece behind the other. */
  speak(samples: Int16Array): void {
    for (let at = 0; at < samples.length; at += FRAME_SAMPLES) this.#speech.push(samples.slice(at, at + FRAME_SAMPLES));
    this.#timer ??= setInterval(() => this.#say(), 20);
  }

  #say(): void {
    const frame = this.#speech.shift();
    if (frame !== undefined) this.send(serialiseFrame(0x10, bytesOf(frame)));
    if (this.#speech.length > 0 && !this.socket.destroyed) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Waits, and then until what has arrived meanwhile has been read: a busy machine runs timers first. */
export async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await settle();
}

/** A media worker for a test, its log and metrics kept in memory. */
export function startTestWorker(): { worker: MediaWorker; log: RecordingLog; metrics: RecordingMetrics } {
  const log = new RecordingLog();
  const metrics = new RecordingMetrics();
  return { log, metrics, worker: startMediaWorker({ log, metrics, clock: realClock }) };
}

/** A call through the real worker thread over loopback TCP. */
export async function openWorkerCall(worker: MediaWorker): Promise<Opened<MediaHarness>> {
  const arrival = Promise.withResolvers<MediaTransport>();
  const listener = await worker.listenAudioSocket({
    host: '127.0.0.1',
    port: 0,
    onArrival: ({ media }) => arrival.resolve(media),
  });
  const peer = new LoopbackPeer(listener.port);
  peer.send(ID_FRAME);
  peer.send(serialiseFrame(0x10, Buffer.alloc(FRAME_SAMPLES * 2)));
  const subject: MediaHarness = {
    transport: await arrival.promise,
    isExact: false,
    stopWithinMs: 20,
    pass: wait,
    heard: () => peer.ear.heard(),
    speak: (samples) => peer.speak(samples),
    press: (digit) => peer.send(serialiseFrame(0x03, Buffer.from(digit))),
    hangUp: () => void peer.socket.end(),
    breakOff: () => void peer.socket.resetAndDestroy(),
    // Asterisk's hang-up is a reset, too, when a frame of ours lies unread.
    breakIsToldAs: 'peer_closed',
    isHungUp: () => peer.ear.isHungUp && peer.hasEnded,
  };
  const close = async () => {
    peer.socket.destroy();
    await listener[Symbol.asyncDispose]();
  };
  return { subject, close };
}
