import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { decodeMuLaw, encodeMuLaw } from '../audio/mu-law.ts';
import type { LossyNetwork } from './lossy-network.ts';

const HEADER_BYTES = 12;
const PCMU = 0;
/** RFC 4733 events, by the payload type everybody uses. */
export const TELEPHONE_EVENT = 101;
const KEYS = '0123456789*#ABCD';
const SAMPLES_PER_TICK = 160;
const EVENT_VOLUME = 10;
const END_BIT = 0x80;
/** A jump of the sequence beyond this is a new stream, not a loss. */
const MAX_LOSS = 3_000;

/** What packets go through, each way. */
export type RtpNetwork = { readonly out: LossyNetwork; readonly in: LossyNetwork };

/** One RTP stream each way over UDP: PCMU in 20 ms packets (RFC 3550, RFC 3551), keys as RFC 4733 events. */
export class RtpStream {
  readonly #socket: Socket = createSocket('udp4');
  readonly #network: RtpNetwork | undefined;
  readonly #ssrc = Math.floor(Math.random() * 2 ** 32);
  #target: { readonly host: string; readonly port: number } | undefined;
  #sequence = Math.floor(Math.random() * 2 ** 16);
  #timestamp = 0;
  #keyStart = 0;
  #nextSequence: number | undefined;
  #lost = 0;
  #isClosed = false;

  /** @param network nothing gets lost without one. */
  constructor(network?: RtpNetwork) {
    this.#network = network;
  }

  /** Opens a port of the address and returns it. */
  async open(host: string, onAudio: (samples: Int16Array, atMs: number) => void): Promise<number> {
    this.#socket.on('message', (packet) => {
      if (this.#network === undefined) this.#read(packet, onAudio);
      else this.#network.in.carry(() => this.#isClosed || this.#read(packet, onAudio));
    });
    // A port that is closed already answers with ICMP: the call's end says the same.
    this.#socket.on('error', () => undefined);
    this.#socket.bind(0, host);
    await once(this.#socket, 'listening');
    return this.#socket.address().port;
  }

  /** Where audio goes from now on. */
  sendTo(host: string, port: number): void {
    this.#target = { host, port };
  }

  /** Packets that did not arrive, by their sequence numbers. */
  get lostPackets(): number {
    return this.#lost;
  }

  sendAudio(samples: Int16Array): void {
    const payload = Buffer.alloc(samples.length);
    for (let index = 0; index < samples.length; index++) payload[index] = encodeMuLaw(samples[index] as number);
    this.#send(PCMU, this.#timestamp, payload);
    this.#timestamp += samples.length;
  }

  /** 20 ms of a key held; its end is said three times (RFC 4733, 2.5.1.4). */
  sendKey(key: string, tick: number, isLast: boolean): void {
    if (tick === 0) this.#keyStart = this.#timestamp;
    this.#timestamp += SAMPLES_PER_TICK;
    const payload = Buffer.alloc(4);
    payload.writeUInt8(KEYS.indexOf(key), 0);
    payload.writeUInt8((isLast ? END_BIT : 0) | EVENT_VOLUME, 1);
    payload.writeUInt16BE((tick + 1) * SAMPLES_PER_TICK, 2);
    const marker = tick === 0 ? 0x80 : 0;
    for (let count = 0; count < (isLast ? 3 : 1); count++)
      this.#send(marker | TELEPHONE_EVENT, this.#keyStart, payload);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #send(markerAndType: number, timestamp: number, payload: Buffer): void {
    if (!this.#target || this.#isClosed) return;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(0x80, 0);
    header.writeUInt8(markerAndType, 1);
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(timestamp >>> 0, 4);
    header.writeUInt32BE(this.#ssrc, 8);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const { host, port } = this.#target;
    const send = () => {
      if (!this.#isClosed) this.#socket.send([header, payload], port, host);
    };
    if (this.#network === undefined) send();
    else this.#network.out.carry(send);
  }

  #read(packet: Buffer, onAudio: (samples: Int16Array, atMs: number) => void): void {
    const atMs = performance.now();
    if (packet.length <= HEADER_BYTES || ((packet[1] as number) & 0x7f) !== PCMU) return;
    const sequence = packet.readUInt16BE(2);
    const missing = this.#nextSequence === undefined ? 0 : (sequence - this.#nextSequence) & 0xffff;
    if (missing < MAX_LOSS) this.#lost += missing;
    this.#nextSequence = (sequence + 1) & 0xffff;
    onAudio(Int16Array.from(packet.subarray(HEADER_BYTES), decodeMuLaw), atMs);
  }
}
