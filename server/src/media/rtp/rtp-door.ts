import type { Random } from '../../core/ports/random.ts';
import { openCallMemory } from '../call-memory.ts';
import type { CallNumber } from '../call-number.ts';
import { bump, COUNTER } from '../media-counters.ts';
import type { MediaPlane } from '../media-plane.ts';
import type { Endpoint } from '../udp/datagram-sink.ts';
import type { UdpIo, UdpPair } from '../udp/udp-io.ts';
import { PacketPool } from './packet-pool.ts';
import { PortPairs } from './port-pairs.ts';
import { RtpLeg, type RtpLegHost } from './rtp-leg.ts';
import type { RtpCommand } from './rtp-messages.ts';

/** RTP calls belong to no listener. */
const NO_LISTENER = 0;
/** Codes of a port that another program holds; anything else is wrong with the address itself. */
const TAKEN = ['EADDRINUSE', 'EACCES'];

export type RtpDoorStart = {
  readonly udp: UdpIo;
  readonly random: Random;
  readonly nowMs: () => number;
  /** Milliseconds since 1970 at the zero of `nowMs`. */
  readonly epochAtZeroMs: number;
  /** There may be news for main. */
  readonly wake: () => void;
  /** The last socket is closed. */
  readonly idle: () => void;
};

type Bound = { readonly pair: UdpPair; readonly port: number };

/** Opens ports for RTP calls, and brings the commands of main to them. */
export class RtpDoor {
  readonly #plane: MediaPlane;
  readonly #start: RtpDoorStart;
  readonly #ranges = new Map<string, PortPairs>();
  readonly #legs = new Map<CallNumber, RtpLeg>();
  readonly #packets = new PacketPool();
  readonly #host: RtpLegHost;
  #binding = 0;
  #isStopping = false;

  constructor(plane: MediaPlane, start: RtpDoorStart) {
    this.#plane = plane;
    this.#start = start;
    this.#host = {
      counters: plane.counters,
      ring: (leg) => plane.ring(leg),
      digit: (leg, digit) => plane.digit(leg, digit),
      ended: (leg, end) => plane.ended(leg, end),
      begun: () => bump(plane.counters, COUNTER.activeCalls),
      held: (leg, isHeld) => plane.tell({ type: 'held', call: leg.call, isHeld }),
      stats: (leg, stats) => plane.tell({ type: 'rtp_stats', call: leg.call, stats }),
    };
  }

  /** Whether no socket is open, nor will be. */
  get isIdle(): boolean {
    return this.#legs.size === 0 && this.#binding === 0;
  }

  obey(command: RtpCommand): void {
    const nowMs = this.#start.nowMs();
    if (command.type === 'rtp_open') {
      void this.#open(command);
      return;
    }
    const leg = this.#legs.get(command.call);
    if (command.type === 'rtp_start') {
      leg?.start(command.media, openCallMemory(command.memory, command.sampleRate), nowMs);
    } else if (command.type === 'rtp_update') leg?.update(command.media, nowMs);
    else if (command.type === 'rtp_digits') leg?.sendDigits(command.digits);
    else leg?.end(command.end, nowMs);
  }

  /** Opens no more ports. */
  stop(): void {
    this.#isStopping = true;
  }

  async #open(command: Extract<RtpCommand, { type: 'rtp_open' }>): Promise<void> {
    const { opening, host } = command;
    const pairs = this.#pairsOf(command);
    this.#binding++;
    const bound = await this.#bind(host, pairs);
    this.#binding--;
    if (bound === null || typeof bound === 'string') {
      this.#plane.tell({ type: 'rtp_refused', opening, code: bound });
    } else this.#admit(bound, pairs, command);
    this.#start.wake();
    if (this.isIdle) this.#start.idle();
  }

  /** The next pair of the range that nobody holds; null when there is none. A pair is leased from before it is bound. */
  async #bind(host: string, pairs: PortPairs): Promise<Bound | string | null> {
    for (let tried = 0; tried < pairs.size && !this.#isStopping; tried++) {
      const port = pairs.take(this.#start.nowMs());
      if (port === null) return null;
      const pair = await this.#start.udp.bindPair(host, port);
      if (typeof pair !== 'string') return { pair, port };
      pairs.stepOver(port);
      if (!TAKEN.includes(pair)) return pair;
    }
    return null;
  }

  #admit({ pair, port }: Bound, pairs: PortPairs, command: Extract<RtpCommand, { type: 'rtp_open' }>): void {
    const { random, epochAtZeroMs } = this.#start;
    const leg = new RtpLeg(this.#plane.newCall(), {
      host: this.#host,
      sink: pair,
      packets: this.#packets,
      random,
      epochAtZeroMs,
      limits: command.limits,
    });
    bump(this.#plane.counters, COUNTER.rtpPorts);
    this.#legs.set(leg.call, leg);
    this.#plane.add(leg, NO_LISTENER, this.#start.nowMs());
    this.#listen(leg, pair, () => pairs.free(port, this.#start.nowMs()));
    this.#plane.tell({ type: 'rtp_opened', opening: command.opening, call: leg.call, port });
    if (this.#isStopping) leg.close(this.#start.nowMs());
  }

  #listen(leg: RtpLeg, pair: UdpPair, free: () => void): void {
    const { nowMs, wake, udp } = this.#start;
    const from: { -readonly [Key in keyof Endpoint]: Endpoint[Key] } = { address: '', port: 0 };
    pair.listen({
      rtp: (bytes, address, port) => {
        from.address = address;
        from.port = port;
        leg.receiveRtp(bytes, from, nowMs());
        // Whoever polls lets the plane tell its news next.
        if (!udp.isPolled && this.#plane.hasNews) wake();
      },
      rtcp: (bytes, address, port) => leg.receiveRtcp(bytes, { address, port }, nowMs()),
      socketError: () => leg.socketError(),
      closed: () => {
        free();
        this.#release(leg);
      },
    });
  }

  #release(leg: RtpLeg): void {
    this.#legs.delete(leg.call);
    this.#plane.release(leg);
    bump(this.#plane.counters, COUNTER.rtpPorts, -1);
    this.#plane.tell({ type: 'rtp_released', call: leg.call });
    this.#start.wake();
    if (this.isIdle) this.#start.idle();
  }

  #pairsOf({ host, ports }: Extract<RtpCommand, { type: 'rtp_open' }>): PortPairs {
    const name = `${host} ${ports.start}-${ports.end}`;
    const known = this.#ranges.get(name);
    if (known !== undefined) return known;
    const pairs = new PortPairs(ports, (limit) => this.#start.random.below(limit));
    this.#ranges.set(name, pairs);
    return pairs;
  }
}
