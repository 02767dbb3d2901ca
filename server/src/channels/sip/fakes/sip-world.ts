import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { realClock } from '../../../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../../test/fakes/recording-log.ts';
import type { EndReason } from '../../../core/call/call.ts';
import type { OpenCredential } from '../../../core/credential/credential.ts';
import type { AssistantId, ContextId, NodeId, ProjectId } from '../../../core/ids.ts';
import type { MediaEnd, MediaFigures, MediaTransport } from '../../../core/ports/media-transport.ts';
import type { Random } from '../../../core/ports/random.ts';
import { DigestClient } from '../../../protocols/digest/digest-client.ts';
import type { AgreedMedia } from '../../../protocols/sdp/agreed-media.ts';
import { SdpNegotiator } from '../../../protocols/sdp/sdp-negotiator.ts';
import type { Call } from '../../../protocols/sip/call/call.ts';
import type { OfferAnswer } from '../../../protocols/sip/call/offer-answer.ts';
import { NO_DNS } from '../../../protocols/sip/fakes/agent.ts';
import type { Header, SipResponse } from '../../../protocols/sip/message/message.ts';
import type { Protocol } from '../../../protocols/sip/transport/flow.ts';
import { openStreamTransport } from '../../../protocols/sip/transport/stream-transport.ts';
import { openUdpTransport } from '../../../protocols/sip/transport/udp-transport.ts';
import { answerWithDigest } from '../../../protocols/sip/uac/answer-challenge.ts';
import { UserAgent } from '../../../protocols/sip/user-agent.ts';
import type { CarriedCall, RtpMedia, SipCallAnnouncement, SipCalls, SipDirectory, SipTrunk } from '../ports.ts';
import { openSipServer, type SipServer, type SipServerParts } from '../sip-server.ts';
import { ScriptedRtp } from './scripted-rtp.ts';

export const ASSISTANT = '100200300' as AssistantId;
export const PROJECT = 'project-1' as ProjectId;
export const KEY = 'rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD';
const NODE = 'node-1' as NodeId;
export const NOBODY = '999999999';

export const cryptoRandom: Random = {
  uuid: () => randomUUID(),
  bytes: (count) => new Uint8Array(randomBytes(count)),
  below: (limit) => randomInt(limit),
};

/** One project with one assistant and one key; every question is written down. */
export class ScriptedDirectory implements SipDirectory {
  readonly asked: string[] = [];
  trunkList: readonly SipTrunk[] = [];
  /** Assistants are found only when this resolves. */
  gate: Promise<void> = Promise.resolve();
  readonly #keys = [{ key: { expose: () => KEY } }];

  async findAssistant(id: AssistantId) {
    this.asked.push('assistant');
    await this.gate;
    return id === ASSISTANT ? { assistantId: id, projectId: PROJECT } : null;
  }
  async keysOf(projectId: ProjectId) {
    return projectId === PROJECT ? this.#keys : [];
  }
  async projectOfKey(key: string) {
    this.asked.push('key');
    return key === KEY ? PROJECT : null;
  }
  accountList: readonly OpenCredential[] = [];
  watchedList: readonly OpenCredential[] = [];
  async accounts(wish: 'register' | 'qualify') {
    return wish === 'register' ? this.accountList : this.watchedList;
  }
  async trunks() {
    return this.trunkList;
  }
}

/** The use cases, written down; the media that was attached is listened to. */
export class ScriptedCalls implements SipCalls {
  readonly log: string[] = [];
  readonly announced: SipCallAnnouncement[] = [];
  readonly attached: MediaTransport[] = [];
  readonly ends: MediaEnd[] = [];
  readonly figures: MediaFigures[] = [];
  readonly digits: string[] = [];
  readonly carried: CarriedCall[] = [];
  heardSamples = 0;
  openFailure: Error | undefined;
  attachFailure: Error | undefined;

  async open(call: SipCallAnnouncement): Promise<ContextId> {
    if (this.openFailure) throw this.openFailure;
    this.announced.push(call);
    this.log.push('opened');
    return `00000000-0000-4000-8000-${`${this.announced.length}`.padStart(12, '0')}` as ContextId;
  }
  async attach(_contextId: ContextId, media: MediaTransport): Promise<void> {
    if (this.attachFailure) throw this.attachFailure;
    this.log.push('attached');
    this.attached.push(media);
    media.listen({
      audio: (view) => {
        this.heardSamples += view.length;
      },
      digit: (digit) => void this.digits.push(digit),
      played: () => {},
      cleared: () => {},
      writable: () => {},
      held: () => {},
      closed: (end, figures) => {
        if (figures) this.figures.push(figures);
        this.log.push(`media ${end.type}`);
        this.ends.push(end);
      },
    });
  }
  carryOn(call: CarriedCall): void {
    this.carried.push(call);
    void call.ended.then(() => this.log.push('parted'));
  }
  async end(_contextId: ContextId, reason: EndReason): Promise<void> {
    this.log.push(`ended ${reason}`);
  }
}

export type WorldOptions = Partial<Pick<SipServerParts, 'clock' | 'limits' | 'directory'>> & {
  readonly settings?: Partial<SipServerParts['settings']>;
  readonly media?: RtpMedia;
};

/** A server on loopback and phones that call it. Dispose to close all. */
export class SipWorld implements AsyncDisposable {
  readonly directory = new ScriptedDirectory();
  readonly calls = new ScriptedCalls();
  readonly rtp = new ScriptedRtp();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly #phones: AsyncDisposable[] = [];
  #server: SipServer | undefined;

  get server(): SipServer {
    if (!this.#server) throw new Error('not open');
    return this.#server;
  }

  static async open(options: WorldOptions = {}): Promise<SipWorld> {
    const { settings, media, ...others } = options;
    const world = new SipWorld();
    world.#server = await openSipServer({
      settings: {
        host: '127.0.0.1',
        port: 0,
        tls: null,
        externalIp: null,
        localNets: ['127.0.0.0/8'],
        ...settings,
      },
      directory: world.directory,
      nodes: { own: NODE, alive: async () => [NODE] },
      calls: world.calls,
      media: media ?? world.rtp,
      nonceKey: Buffer.alloc(32, 7),
      clock: realClock,
      random: cryptoRandom,
      log: world.log,
      metrics: world.metrics,
      ...others,
    });
    return world;
  }

  async phone(protocol: Protocol = 'UDP'): Promise<Phone> {
    const agent = new UserAgent({
      clock: realClock,
      random: cryptoRandom,
      resolver: NO_DNS,
      product: 'phone',
      onInvite: (call) => call.reject(603),
    });
    const bind = { address: '127.0.0.1', port: 0 };
    const transport =
      protocol === 'UDP'
        ? await openUdpTransport(bind, agent.transportEvents)
        : await openStreamTransport(bind, { clock: realClock }, agent.transportEvents);
    agent.listen(transport);
    this.#phones.push(agent);
    const { ports } = this.server;
    const to = protocol === 'UDP' ? `127.0.0.1:${ports.udp}` : `127.0.0.1:${ports.tcp};transport=tcp`;
    return new Phone(agent, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    for (const phone of this.#phones) await phone[Symbol.asyncDispose]();
  }
}

export type Dialling = {
  /** The user part, with a password where one is dialled. */
  readonly user?: string;
  readonly username?: string;
  readonly password?: string | null;
  readonly headers?: readonly Header[];
  readonly media?: OfferAnswer;
  readonly rtpPort?: number;
};

/** A softphone: the library's own user agent. */
export class Phone {
  readonly agent: UserAgent;
  readonly host: string;

  constructor(agent: UserAgent, host: string) {
    this.agent = agent;
    this.host = host;
  }

  /** Calls; digest with the right key unless told. A null password answers no challenge. */
  dial(dialling: Dialling = {}): PhoneCall {
    return new PhoneCall(this, dialling);
  }
}

export class PhoneCall {
  readonly media: AgreedMedia[] = [];
  readonly progress: number[] = [];
  readonly negotiator: SdpNegotiator;
  readonly ended = Promise.withResolvers<string>();
  readonly #outcome = Promise.withResolvers<Call | SipResponse | number>();
  readonly #outgoing: { cancel(): void };

  constructor(
    { agent, host }: Phone,
    { user = '15550100', username = ASSISTANT, password = KEY, headers, media, rtpPort = 40_000 }: Dialling,
  ) {
    this.negotiator = new SdpNegotiator({
      local: { address: '127.0.0.1', port: rtpPort, codecs: ['PCMU', 'PCMA'] },
      id: '1',
      changed: (agreed) => void this.media.push(agreed),
    });
    const credentials =
      password === null ? undefined : answerWithDigest(new DigestClient({ username, password }, cryptoRandom.bytes));
    this.#outgoing = agent.call({
      to: `sip:${user}@${host}`,
      from: { uri: 'sip:+15550199@phone.example', params: new Map() },
      media: media ?? this.negotiator,
      ...(credentials ? { credentials } : {}),
      ...(headers ? { headers } : {}),
      handlers: {
        answered: this.#outcome.resolve,
        refused: (status, response) => this.#outcome.resolve(response ?? status),
        ended: this.ended.resolve,
        progress: (status) => void this.progress.push(status),
      },
    });
  }

  async answered(): Promise<Call> {
    const outcome = await this.#outcome.promise;
    if (typeof outcome === 'number' || 'status' in outcome)
      throw new Error(`refused: ${typeof outcome === 'number' ? outcome : outcome.status}`);
    return outcome;
  }

  async refused(): Promise<SipResponse> {
    const outcome = await this.#outcome.promise;
    if (typeof outcome === 'number' || !('status' in outcome)) throw new Error(`not refused, ${String(outcome)}`);
    return outcome;
  }

  cancel(): void {
    this.#outgoing.cancel();
  }
}

/** Waits until it is so; the suite's own time limit ends it otherwise. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}
