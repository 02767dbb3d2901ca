import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP, isIPv4 } from 'node:net';
import type { Endpoint, Targets } from './datagram-sink.ts';
import { addressOf, type UdpIo, type UdpListener, type UdpPair } from './udp-io.ts';

const MAPPED = '::ffff:';

type Sockets = { readonly rtp: Socket; readonly rtcp: Socket };

/** UDP by Node's own sockets: on every system, and the event loop tells what comes. */
export const nodeUdp: UdpIo = { kind: 'node', isPolled: false, bindPair, read: () => {}, [Symbol.dispose]: () => {} };

async function bindPair(host: string, port: number): Promise<UdpPair | string> {
  const address = await addressOf(host);
  if (address === null) return 'ENOTFOUND';
  const rtp = await bind(address, port);
  if (typeof rtp === 'string') return rtp;
  const rtcp = await bind(address, port + 1);
  if (typeof rtcp !== 'string') return new NodePair({ rtp, rtcp });
  await new Promise<void>((resolve) => {
    rtp.close(resolve);
  });
  return rtcp;
}

function bind(host: string, port: number): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', lookup: takeAsItIs });
    const onError = (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    };
    socket.once('error', onError);
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

/** We have addresses only; Node's own look-up would take a turn of the loop and some garbage for each packet. */
function takeAsItIs(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, isIP(address));
}

class NodePair implements UdpPair {
  readonly #pair: Sockets;
  readonly #isSix: boolean;
  #rtp: Endpoint | null = null;
  #rtcp: Endpoint | null = null;
  #hasRtcpMux = false;
  #isLocked = false;
  #isClosed = false;

  constructor(pair: Sockets) {
    this.#pair = pair;
    this.#isSix = pair.rtp.address().family === 'IPv6';
  }

  listen(listener: UdpListener): void {
    const { rtp, rtcp } = this.#pair;
    let open = 2;
    for (const socket of [rtp, rtcp]) {
      socket.on('error', () => listener.socketError());
      socket.on('close', () => {
        open--;
        if (open === 0) listener.closed();
      });
    }
    rtp.on('message', (bytes, from) => listener.rtp(bytes, this.#address(from), from.port));
    rtcp.on('message', (bytes, from) => listener.rtcp(bytes, this.#address(from), from.port));
  }

  aim({ rtp, rtcp, hasRtcpMux }: Targets): void {
    this.unlock();
    this.#rtp = this.#reachable(rtp);
    this.#rtcp = this.#reachable(rtcp);
    this.#hasRtcpMux = hasRtcpMux;
  }

  lock(): void {
    if (this.#isClosed || this.#isLocked || this.#rtp === null) return;
    this.#pair.rtp.connect(this.#rtp.port, this.#rtp.address);
    this.#isLocked = isConnected(this.#pair.rtp);
  }

  unlock(): void {
    if (this.#isClosed || !this.#isLocked) return;
    this.#isLocked = false;
    this.#pair.rtp.disconnect();
  }

  sendRtp(packet: Uint8Array): boolean {
    if (this.#isClosed) return true;
    const { rtp } = this.#pair;
    if (this.#isLocked) rtp.send(packet);
    else if (this.#rtp !== null) rtp.send(packet, this.#rtp.port, this.#rtp.address);
    return rtp.getSendQueueCount() === 0;
  }

  sendRtcp(packet: Uint8Array): void {
    if (this.#hasRtcpMux) this.sendRtp(packet);
    else if (!this.#isClosed && this.#rtcp !== null) {
      this.#pair.rtcp.send(packet, this.#rtcp.port, this.#rtcp.address);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pair.rtp.close();
    this.#pair.rtcp.close();
  }

  /** A socket of both families shows IPv4 addresses in IPv6 clothes. */
  #address({ address }: RemoteInfo): string {
    return this.#isSix && address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
  }

  /** As this socket must be told; null where it cannot send to. */
  #reachable(endpoint: Endpoint | null): Endpoint | null {
    if (endpoint === null || endpoint.port < 1 || endpoint.port > 65_535 || isIP(endpoint.address) === 0) return null;
    if (!this.#isSix) return isIPv4(endpoint.address) ? endpoint : null;
    return isIPv4(endpoint.address) ? { address: MAPPED + endpoint.address, port: endpoint.port } : endpoint;
  }
}

function isConnected(socket: Socket): boolean {
  try {
    socket.remoteAddress();
    return true;
  } catch {
    return false;
  }
}
