import type { Flow, Protocol, Target, Transport } from './flow.ts';

/** The listening transports of one user agent, at most one per protocol and address family. */
export class TransportSet implements AsyncDisposable {
  readonly #transports: readonly Transport[];

  constructor(transports: readonly Transport[]) {
    this.#transports = transports;
  }

  /** Protocols requests can be sent over. */
  get protocols(): Protocol[] {
    return [...new Set(this.#transports.map(({ protocol }) => protocol))];
  }

  /** The flow to a target. @throws when no transport speaks its protocol and family, or it cannot be connected. */
  async flowTo(target: Target, signal?: AbortSignal): Promise<Flow> {
    const isV6 = target.address.includes(':');
    const fitting = this.#transports.filter(({ protocol }) => protocol === target.protocol);
    const chosen =
      fitting.find(({ local }) => local.address.includes(':') === isV6) ??
      (target.protocol === 'UDP' ? undefined : fitting[0]);
    if (!chosen) throw new Error(`no ${target.protocol} transport listens for ${isV6 ? 'IPv6' : 'IPv4'}`);
    return chosen.flowTo(target, signal);
  }

  /** The local address of a protocol: what Via and Contact start from. */
  localOf(protocol: Protocol): Target | undefined {
    return this.#transports.find((transport) => transport.protocol === protocol)?.local;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport[Symbol.asyncDispose]()));
  }
}
