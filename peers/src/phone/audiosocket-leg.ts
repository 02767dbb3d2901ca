import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { LegEnd, LegEvents, MediaLeg } from './media-leg.ts';

/** Kinds of AudioSocket frames (docs.asterisk.org, "AudioSocket"). */
const KIND = { hangup: 0x00, id: 0x01, digit: 0x03, audio8k: 0x10 } as const;
const HEADER_BYTES = 3;
const CONNECT_TIMEOUT_MS = 2_000;

export type AudioSocketTarget = { readonly host: string; readonly port: number; readonly contextId: string };

/**
 * The line as app_audiosocket of Asterisk 22 holds it: the id first and once, audio of kind 0x10 in 20 ms frames, a digit at
 * key up and no audio while the key is down, a plain FIN at the end. As strict as Asterisk too: any other kind than audio
 * and hangup, and an empty audio frame, end the call as a fault.
 */
export class AudioSocketLeg implements MediaLeg {
  static readonly sampleRate = 8_000;
  readonly sampleRate = AudioSocketLeg.sampleRate;
  readonly #target: AudioSocketTarget;
  #socket: Socket | undefined;
  #events: LegEvents | undefined;
  #held: Buffer = Buffer.alloc(0);

  constructor(target: AudioSocketTarget) {
    this.#target = target;
  }

  async open(events: LegEvents): Promise<void> {
    const { host, port, contextId } = this.#target;
    this.#events = events;
    const socket = connect({ host, port, noDelay: true, timeout: CONNECT_TIMEOUT_MS });
    this.#socket = socket;
    await connected(socket, `${host}:${port}`);
    socket.setTimeout(0);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#end({ by: 'far end', how: `reset the connection (${error.message})` }));
    socket.on('end', () => this.#end({ by: 'far end', how: 'closed the connection without a hangup frame' }));
    socket.on('close', () => this.#end({ by: 'far end', how: 'closed the connection' }));
    this.#write(KIND.id, Buffer.from(contextId.replaceAll('-', ''), 'hex'));
  }

  sendAudio(samples: Int16Array): void {
    this.#write(KIND.audio8k, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
  }

  sendKey(key: string, _tick: number, isLast: boolean): void {
    if (isLast) this.#write(KIND.digit, Buffer.from(key, 'latin1'));
  }

  hangUp(): void {
    this.#end({ by: 'us', how: 'closed the connection' });
    this.#socket?.end();
  }

  abort(): void {
    this.#end({ by: 'us', how: 'reset the connection' });
    this.#socket?.resetAndDestroy();
  }

  /** Half a frame, then the end of the stream: what a PBX that dies in a write leaves. */
  hangUpInFrame(): void {
    this.#socket?.write(Buffer.from([KIND.audio8k, 0x01, 0x40, 0, 0]));
    this.hangUp();
  }

  #write(kind: number, payload: Buffer): void {
    if (!this.#socket?.writable) return;
    const frame = Buffer.alloc(HEADER_BYTES + payload.length);
    frame.writeUInt8(kind, 0);
    frame.writeUInt16BE(payload.length, 1);
    payload.copy(frame, HEADER_BYTES);
    this.#socket.write(frame);
  }

  #read(chunk: Buffer): void {
    const atMs = performance.now();
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= HEADER_BYTES && this.#events) {
      const end = HEADER_BYTES + this.#held.readUInt16BE(1);
      if (this.#held.length < end) return;
      this.#take(this.#held[0] as number, this.#held.subarray(HEADER_BYTES, end), atMs);
      this.#held = this.#held.subarray(end);
    }
  }

  #take(kind: number, payload: Buffer, atMs: number): void {
    if (kind === KIND.hangup) {
      this.#end({ by: 'far end', how: 'hung up' });
      this.#socket?.end();
    } else if (kind === KIND.audio8k && payload.length > 0) {
      const samples = new Int16Array(payload.length >> 1);
      for (let index = 0; index < samples.length; index++) samples[index] = payload.readInt16LE(index * 2);
      this.#events?.audio(samples, atMs);
    } else {
      const name = `0x${kind.toString(16).padStart(2, '0')}`;
      this.#end({ by: 'fault', how: `a frame of kind ${name} with ${payload.length} bytes: Asterisk drops the call` });
      this.#socket?.destroy();
    }
  }

  #end(end: LegEnd): void {
    const events = this.#events;
    this.#events = undefined;
    events?.closed(end);
  }
}

async function connected(socket: Socket, address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error: Error) => reject(new Error(`no AudioSocket server at ${address}: ${error.message}`));
  const late = () => {
    socket.destroy();
    reject(new Error(`no AudioSocket server answered at ${address} within ${CONNECT_TIMEOUT_MS} ms`));
  };
  socket.once('connect', resolve).once('error', fail).once('timeout', late);
  await promise;
  socket.off('error', fail).off('timeout', late);
}
