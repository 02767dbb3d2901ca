import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { MediaWorker } from '@assistant/server/media/media-worker';
import type { RtpOpening, RtpSession } from '@assistant/server/media/rtp/rtp-session';
import type { AgreedMedia } from '@assistant/server/protocols/sdp/agreed-media';
import { wait } from './audiosocket-worker-harness.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';
import { agreed, RtpPhone } from './rtp-phone.ts';

/** A range that is wide enough for others to hold most of it: taken pairs are stepped over. */
export const TEST_PORTS = { start: 20_000, end: 32_000 };

/** A phone on loopback UDP, talking all the time. */
export class LoopbackPhone {
  readonly phone: RtpPhone;
  readonly media: AgreedMedia;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  readonly #toPort: number;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;

  constructor(sockets: { rtp: Socket; rtcp: Socket }, toPort: number, changes: Partial<AgreedMedia>) {
    const { rtp, rtcp } = sockets;
    const remote = { address: '127.0.0.1', port: rtp.address().port, rtcpPort: rtcp.address().port };
    this.media = agreed('PCMU', { remote, ...changes });
    this.phone = new RtpPhone(this.media);
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.#toPort = toPort;
    rtp.on('message', (bytes) => this.phone.take(bytes));
    rtcp.on('message', (bytes) => this.phone.takeReport(bytes));
  }

  static async open(toPort: number, changes: Partial<AgreedMedia> = {}): Promise<LoopbackPhone> {
    const rtp = await boundSocket();
    const rtcp = await boundSocket();
    return new LoopbackPhone({ rtp, rtcp }, toPort, changes);
  }

  /** Begins to send, 50 packets a second, made up for when a timer comes late. */
  talk(): void {
    const startMs = performance.now();
    this.#timer ??= setInterval(() => {
      const due = Math.floor((performance.now() - startMs) / 20);
      while (this.#sent <= due) {
        this.#sent++;
        this.send(this.phone.frame());
      }
    }, 10);
  }

  send(packet: Buffer): void {
    this.#rtp.send(packet, this.#toPort, '127.0.0.1');
  }

  sendReport(packet: Uint8Array): void {
    this.#rtcp.send(packet, this.#toPort + 1, '127.0.0.1');
  }

  stopTalking(): void {
    clearInterval(this.#timer);
  }

  /** Its sockets close: what is sent to it comes back as ICMP errors. */
  async vanish(): Promise<void> {
    this.stopTalking();
    for (const socket of [this.#rtp, this.#rtcp]) {
      socket.close();
      await once(socket, 'close');
    }
  }
}

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Ports on loopback for a test. */
export function openTestPorts(worker: MediaWorker, opening: Partial<RtpOpening> = {}): Promise<RtpSession> {
  return worker.openRtp({ bindHost: '127.0.0.1', ports: TEST_PORTS, ...opening });
}

/** A call through the real worker thread over loopback UDP. */
export async function openRtpWorkerCall(worker: MediaWorker): Promise<Opened<MediaHarness>> {
  const session = await openTestPorts(worker, { silenceLimits: { firstMs: 2000, laterMs: 2000 } });
  const peer = await LoopbackPhone.open(session.localPort);
  const transport = session.start(peer.media);
  peer.talk();
  const subject: MediaHarness = {
    transport,
    isExact: false,
    stopWithinMs: 20,
    pass: wait,
    heard: () => peer.phone.heard(),
    speak: (samples) => peer.phone.speak(samples),
    press: (digit) => {
      for (const packet of peer.phone.digit(digit)) peer.send(packet);
    },
    hangUp: () => session.end(),
    breakOff: () => peer.stopTalking(),
    isHungUp: () => peer.phone.isHungUp,
  };
  const close = async () => {
    await session[Symbol.asyncDispose]();
    await peer.vanish();
  };
  return { subject, close };
}
