import { type Libc, MSG_DONTWAIT } from '../../native/libc.ts';
import type { Endpoint, Targets } from './datagram-sink.ts';
import { AF_UNSPEC, writeAddress } from './socket-address.ts';
import type { UdpListener, UdpPair } from './udp-io.ts';

/** To connect to it is to be connected no more (connect(2)). */
const NOBODY = Uint8Array.of(AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

export type NativePairParts = {
  readonly libc: Libc;
  readonly family: number;
  readonly rtp: number;
  readonly rtcp: number;
  readonly watch: (socket: number, take: (bytes: Uint8Array, from: Endpoint) => void, failed: () => void) => void;
  readonly close: (socket: number) => void;
};

/** Two sockets of the system. What it does not take at once is lost, as on any network: audio that waits is audio too late. */
export class NativePair implements UdpPair {
  readonly #parts: NativePairParts;
  #listener: UdpListener | null = null;
  #rtp: Uint8Array | null = null;
  #rtcp: Uint8Array | null = null;
  #hasRtcpMux = false;
  #isLocked = false;
  #isClosed = false;

  constructor(parts: NativePairParts) {
    this.#parts = parts;
  }

  listen(listener: UdpListener): void {
    const { rtp, rtcp, watch } = this.#parts;
    const failed = () => listener.socketError();
    this.#listener = listener;
    watch(rtp, (bytes, from) => listener.rtp(bytes, from.address, from.port), failed);
    watch(rtcp, (bytes, from) => listener.rtcp(bytes, from.address, from.port), failed);
  }

  aim({ rtp, rtcp, hasRtcpMux }: Targets): void {
    const { libc, family } = this.#parts;
    this.unlock();
    this.#rtp = isNowhere(rtp) ? null : writeAddress(libc, rtp, family);
    this.#rtcp = isNowhere(rtcp) ? null : writeAddress(libc, rtcp, family);
    this.#hasRtcpMux = hasRtcpMux;
  }

  lock(): void {
    if (this.#isClosed || this.#isLocked || this.#rtp === null) return;
    const { libc, rtp } = this.#parts;
    this.#isLocked = libc.connect(rtp, this.#rtp, this.#rtp.length) === 0;
  }

  unlock(): void {
    if (this.#isClosed || !this.#isLocked) return;
    this.#isLocked = false;
    this.#parts.libc.connect(this.#parts.rtp, NOBODY, NOBODY.length);
  }

  sendRtp(packet: Uint8Array): boolean {
    if (this.#isClosed) return true;
    const { libc, rtp } = this.#parts;
    if (!this.#isLocked) this.#sendTo(rtp, packet, this.#rtp);
    else if (libc.send(rtp, packet, packet.length, MSG_DONTWAIT) < 0) this.#listener?.socketError();
    return true;
  }

  sendRtcp(packet: Uint8Array): void {
    if (this.#hasRtcpMux) this.sendRtp(packet);
    else if (!this.#isClosed) this.#sendTo(this.#parts.rtcp, packet, this.#rtcp);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts.close(this.#parts.rtp);
    this.#parts.close(this.#parts.rtcp);
    const listener = this.#listener;
    if (listener !== null) queueMicrotask(() => listener.closed());
  }

  #sendTo(socket: number, packet: Uint8Array, target: Uint8Array | null): void {
    if (target === null) return;
    const { libc } = this.#parts;
    const sent = libc.sendto(socket, packet, packet.length, MSG_DONTWAIT, target, target.length);
    if (sent < 0) this.#listener?.socketError();
  }
}

/** Port 0 is no port to send to. */
function isNowhere(endpoint: Endpoint | null): endpoint is null {
  return endpoint === null || endpoint.port === 0;
}
