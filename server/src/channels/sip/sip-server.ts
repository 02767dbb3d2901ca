import { AppError, toAppError } from '../../core/errors.ts';
import type { ContextId } from '../../core/ids.ts';
import type { OpenListener } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { DialOrder } from '../../core/ports/dialer.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { Random } from '../../core/ports/random.ts';
import { DigestServer } from '../../protocols/digest/digest-server.ts';
import { randomToken } from '../../protocols/sip/environment.ts';
import { createResponse } from '../../protocols/sip/message/create.ts';
import { redactUri } from '../../protocols/sip/message/sip-uri.ts';
import type { ServerTransaction } from '../../protocols/sip/transaction/server-transaction.ts';
import type { Flow, Protocol, Target, Transport } from '../../protocols/sip/transport/flow.ts';
import { openStreamTransport } from '../../protocols/sip/transport/stream-transport.ts';
import { openUdpTransport } from '../../protocols/sip/transport/udp-transport.ts';
import { locateServer } from '../../protocols/sip/uac/locate-server.ts';
import type { IncomingCall } from '../../protocols/sip/uas/incoming-call.ts';
import { UserAgent } from '../../protocols/sip/user-agent.ts';
import { ADMISSION_LIMITS, type AdmissionLimits, SipAdmission } from './admission.ts';
import { AdvertisedAddress } from './advertised-address.ts';
import { SipAuthenticator } from './authenticate.ts';
import { type CertificateFiles, readCertificate, watchCertificate } from './certificate.ts';
import { dnsResolver } from './dns-resolver.ts';
import { IncomingLeg } from './incoming-leg.ts';
import { OutboundCalls } from './outbound-calls.ts';
import type { SipLine } from './outbound-leg.ts';
import { phoneRoute, type Route } from './outbound-route.ts';
import type { RtpMedia, SipCalls, SipDirectory, SipNodes } from './ports.ts';
import { refusalOf } from './refusal.ts';
import { Registrar } from './registrar.ts';
import { type RegistrationParts, Registrations } from './registrations.ts';
import { SourceStanding } from './source-standing.ts';
import { type SipLeg, SipTransfers } from './transfers.ts';
import { TrunkWatch } from './trunk-watch.ts';

/** The SIP__ settings. */
export type SipSettings = {
  readonly host: string;
  /** UDP and TCP; 0: any free port for each. */
  readonly port: number;
  readonly tls: { readonly port: number; readonly certFile: string; readonly keyFile: string } | null;
  readonly externalIp: string | null;
  /** CIDR */
  readonly localNets: readonly string[];
};

export type SipServerParts = {
  readonly settings: SipSettings;
  readonly directory: SipDirectory;
  readonly calls: SipCalls;
  readonly media: RtpMedia;
  readonly nodes: SipNodes;
  /** Signs the nonces of challenges; the same on every node, at least 16 bytes. */
  readonly nonceKey: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly limits?: AdmissionLimits;
};

/** An open SIP server. */
export interface SipServer extends OpenListener {
  readonly ports: { readonly udp: number; readonly tcp: number; readonly tls: number | null };
  /** Calls, transactions and dialogs held: all zero when idle. */
  readonly load: { readonly calls: number; readonly transactions: number; readonly dialogs: number };
  readonly outbound: OutboundCalls;
  readonly transfers: SipTransfers;
  readonly registrations: Registrations;
  /** The way to a phone that has registered here for the order's assistant, as this name or number; null: there is none. */
  phoneRoute(order: Pick<DialOrder, 'assistantId' | 'to' | 'from'>): Route | null;
}

const REALM = 'assistant-api';
const PRODUCT = 'assistant-api';
/** How long BYEs may take when the server stops. */
const GOODBYE_MS = 1000;

/** Opens the built-in SIP server. @throws AppError not_configured when a port is taken or a certificate cannot be read. */
export async function openSipServer(parts: SipServerParts): Promise<SipServer> {
  const server = new BuiltInServer(parts);
  try {
    await server.open();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

class BuiltInServer implements SipServer {
  readonly protocol = 'SIP';
  readonly outbound: OutboundCalls;
  readonly transfers: SipTransfers;
  readonly registrations: Registrations;
  readonly #trunks: TrunkWatch;
  readonly #parts: SipServerParts;
  readonly #agent: UserAgent;
  readonly #admission: SipAdmission;
  readonly #authenticator: SipAuthenticator;
  readonly #registrar: Registrar;
  readonly #addresses: AdvertisedAddress;
  readonly #legs = new Set<IncomingLeg>();
  readonly #bound = new Map<Protocol, Target>();
  #certificateWatch: Disposable | undefined;

  constructor(parts: SipServerParts) {
    const { settings, clock, random, directory, nonceKey } = parts;
    const standing = new SourceStanding(() => clock.nowMs());
    const randomBytes = (count: number) => random.bytes(count);
    const digest = new DigestServer({ realm: REALM, key: nonceKey, randomBytes });
    this.#parts = parts;
    this.#admission = new SipAdmission({
      standing,
      nowMs: () => clock.nowMs(),
      limits: parts.limits ?? ADMISSION_LIMITS,
    });
    const accountOf = (contactUser: string) => this.registrations.credentialOf(contactUser);
    this.#authenticator = new SipAuthenticator({ directory, digest, realm: REALM, standing, clock, accountOf });
    this.#registrar = new Registrar(() => clock.nowMs());
    this.#addresses = new AdvertisedAddress({ ...settings, bindHost: settings.host });
    const line: SipLine & RegistrationParts['line'] = {
      call: (options) => this.#agent.call(options),
      register: (options) => this.#agent.register(options),
      addressFor: (uri, flow) => this.#addressFor(uri, flow),
    };
    this.outbound = new OutboundCalls({ ...parts, line });
    this.registrations = new Registrations({ ...parts, line });
    this.#trunks = new TrunkWatch({ ...parts, probe: (options) => this.#agent.probe(options) });
    this.transfers = new SipTransfers({
      ...parts,
      line,
      legOf: (contextId) => this.#legOf(contextId),
      phoneRoute: (wish) => this.phoneRoute(wish),
    });
    this.#agent = new UserAgent({
      clock,
      random,
      resolver: dnsResolver,
      product: PRODUCT,
      advertise: (remote, local) => ({
        host: this.#addresses.of(remote.address, local.address),
        port: this.#bound.get(remote.protocol)?.port ?? local.port,
      }),
      admit: (request, flow) => {
        const admission = this.#admission.judge(request, flow);
        if (admission !== 'admit') this.#count(request.method, admission === 'drop' ? 'dropped' : 'refused');
        return admission;
      },
      onInvite: (incoming) => void this.#invite(incoming),
      onRegister: (transaction) => void this.#register(transaction),
      onError: (error, target) =>
        parts.log.debug('sip.transport_error', { remoteAddress: target?.address ?? null, detail: error.message }),
    });
  }

  get address(): string {
    const { host, port } = { host: this.#bound.get('UDP')?.address ?? '', port: this.ports.udp };
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  get ports(): SipServer['ports'] {
    const portOf = (protocol: Protocol) => this.#bound.get(protocol)?.port;
    return { udp: portOf('UDP') ?? 0, tcp: portOf('TCP') ?? 0, tls: portOf('TLS') ?? null };
  }

  get load(): SipServer['load'] {
    const { transactions, dialogs } = this.#agent.load;
    return { calls: this.#legs.size + this.outbound.size + this.transfers.size, transactions, dialogs };
  }

  phoneRoute({ assistantId, to, from }: Pick<DialOrder, 'assistantId' | 'to' | 'from'>): Route | null {
    const phone = this.#registrar.find(assistantId, to);
    if (!phone) return null;
    const host = this.#addresses.of(phone.flow.remote.address, phone.flow.local.address);
    return phoneRoute(phone, { assistantId, from, host });
  }

  async open(): Promise<void> {
    const { settings, log, clock } = this.#parts;
    const { host } = settings;
    const events = this.#agent.transportEvents;
    await this.#listen('UDP', settings.port, (bind) => openUdpTransport(bind, events));
    await this.#listen('TCP', settings.port, (bind) => openStreamTransport(bind, { clock }, events));
    if (settings.tls) await this.#openTls(settings.tls);
    log.info('sip.listening', { host, port: this.ports.udp, tcpPort: this.ports.tcp, tlsPort: this.ports.tls });
    void this.registrations.start();
    void this.#trunks.start();
    if (settings.externalIp === null) log.warn('sip.external_ip_unset', { detail: WHO_HEARS_NOTHING });
  }

  drain(): void {
    this.#admission.isDraining = true;
    this.outbound.drain();
    this.registrations.stop();
    this.#trunks.stop();
  }

  /** Says BYE to every call, and waits a second for the answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    this.#certificateWatch?.[Symbol.dispose]();
    for (const leg of [...this.#legs]) leg.hangUp();
    this.outbound.close();
    this.transfers.close();
    const { clock } = this.#parts;
    const untilMs = clock.nowMs() + GOODBYE_MS;
    while ((this.#agent.load.dialogs > 0 || this.registrations.isLeaving) && clock.nowMs() < untilMs)
      await new Promise<void>((resolve) => clock.after(20, resolve));
    await this.#agent[Symbol.asyncDispose]();
  }

  #legOf(contextId: ContextId): SipLeg | undefined {
    for (const leg of this.#legs) if (leg.contextId === contextId) return leg;
    return this.outbound.at(contextId)?.leg;
  }

  async #addressFor(uri: string, flow?: Flow): Promise<string> {
    const { random } = this.#parts;
    const below = (limit: number) => random.below(limit);
    const tools = { resolver: dnsResolver, protocols: [...this.#bound.keys()], below };
    const targets = flow ? [flow.remote] : await locateServer(uri, tools);
    const learnt = await Promise.all(targets.map(({ address }) => this.#addresses.learn(address).catch(() => null)));
    const address = learnt.find((each) => each !== null);
    if (address) return address;
    throw new AppError('carrier_failed', { detail: 'the name of the trunk leads nowhere, or no route leads there' });
  }

  async #openTls(files: CertificateFiles & { readonly port: number }): Promise<void> {
    const { clock, log } = this.#parts;
    const tls = await readCertificate(files);
    const events = this.#agent.transportEvents;
    const listener = await this.#listen('TLS', files.port, (bind) => openStreamTransport(bind, { clock, tls }, events));
    this.#certificateWatch = watchCertificate(
      files,
      { clock, log },
      { current: tls, changed: (pair) => listener.renew(pair) },
    );
  }

  async #listen<Kind extends Transport>(
    protocol: Protocol,
    port: number,
    open: (bind: { address: string; port: number }) => Promise<Kind>,
  ): Promise<Kind> {
    const { host } = this.#parts.settings;
    try {
      const transport = await open({ address: host, port });
      this.#agent.listen(transport);
      this.#bound.set(protocol, transport.local);
      return transport;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : String(error);
      const advice = protocol === 'TLS' ? 'SIP__TLS_PORT, SIP__TLS_CERT and SIP__TLS_KEY' : 'SIP__SERVER or SIP__PORT';
      const detail = `SIP over ${protocol} cannot listen on ${host} port ${port} (${code}): set ${advice}`;
      throw new AppError('not_configured', { detail, cause: error });
    }
  }

  async #invite(incoming: IncomingCall): Promise<void> {
    const { log } = this.#parts;
    const { request, flow } = incoming;
    const remoteAddress = flow.remote.address;
    this.#admission.pending++;
    try {
      const verdict = await this.#authenticator.authenticate(request, flow);
      if (verdict.type === 'refused') {
        this.#count('INVITE', verdict.status === 401 ? 'challenged' : 'refused');
        if (verdict.status === 403)
          log.warn('sip.refused', { remoteAddress, uri: redactUri(request.uri), status: verdict.status });
        return incoming.reject(verdict.status, verdict.headers);
      }
      const { assistantId } = verdict.assistant;
      const address = await this.#addresses.learn(remoteAddress);
      if (incoming.isOver) return;
      if (this.#admission.isDraining) throw new AppError('draining');
      this.#count('INVITE', 'accepted');
      log.info('sip.invite', { remoteAddress, protocol: flow.protocol, assistantId, by: verdict.by });
      const leg = new IncomingLeg({ ...this.#parts, address }, incoming, () => this.#legs.delete(leg));
      this.#legs.add(leg);
      await leg.answer(assistantId);
    } catch (error) {
      const failure = toAppError(error);
      const { status, headers } = refusalOf(failure);
      if (status === 503) log.warn('sip.refused', { remoteAddress, code: failure.code, status });
      else log.error('sip.invite_failed', { remoteAddress, code: failure.code, status }, error);
      incoming.reject(status, headers);
    } finally {
      this.#admission.pending--;
    }
  }

  async #register(transaction: ServerTransaction): Promise<void> {
    const { request, flow } = transaction;
    try {
      const verdict = await this.#authenticator.authenticate(request, flow);
      if (verdict.type === 'refused') return this.#respond(transaction, verdict);
      await this.#addresses.learn(flow.remote.address);
      this.#respond(transaction, this.#registrar.answer(verdict.assistant.assistantId, request, flow));
    } catch (error) {
      const failure = toAppError(error);
      this.#parts.log.error('sip.register_failed', { remoteAddress: flow.remote.address, code: failure.code }, error);
      this.#respond(transaction, refusalOf(failure));
    }
  }

  #respond(transaction: ServerTransaction, answer: Answer): void {
    this.#count('REGISTER', `${answer.status}`);
    const headers = [...answer.headers, { name: 'Server', value: PRODUCT }];
    const toTag = randomToken(this.#parts.random);
    transaction.respond(createResponse(transaction.request, answer.status, { headers, toTag }));
  }

  #count(method: string, outcome: string): void {
    const known = method === 'INVITE' || method === 'REGISTER' || method === 'OPTIONS' ? method : 'other';
    this.#parts.metrics.count('sip_requests_total', { method: known, outcome });
  }
}

type Answer = { readonly status: number; readonly headers: readonly { name: string; value: string }[] };

const WHO_HEARS_NOTHING =
  'SIP__EXTERNAL_IP is unset: SIP callers hear no audio unless they can reach the local address that this machine sends to them ' +
  'from, which callers from the internet cannot; set it to the public IP';
