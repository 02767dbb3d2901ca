import { realClock } from '../../../../test/fakes/real-clock.ts';
import type { OpenCredential } from '../../../core/credential/credential.ts';
import type { CredentialId, ProjectId } from '../../../core/ids.ts';
import { hashUser } from '../../../protocols/digest/digest.ts';
import { DigestServer } from '../../../protocols/digest/digest-server.ts';
import type { AgreedMedia } from '../../../protocols/sdp/agreed-media.ts';
import { SdpNegotiator } from '../../../protocols/sdp/sdp-negotiator.ts';
import type { Call } from '../../../protocols/sip/call/call.ts';
import { NO_DNS } from '../../../protocols/sip/fakes/agent.ts';
import { createResponse } from '../../../protocols/sip/message/create.ts';
import { headerOf } from '../../../protocols/sip/message/message.ts';
import type { ServerTransaction } from '../../../protocols/sip/transaction/server-transaction.ts';
import { openStreamTransport } from '../../../protocols/sip/transport/stream-transport.ts';
import { openUdpTransport } from '../../../protocols/sip/transport/udp-transport.ts';
import type { IncomingCall } from '../../../protocols/sip/uas/incoming-call.ts';
import { UserAgent } from '../../../protocols/sip/user-agent.ts';
import { cryptoRandom } from './sip-world.ts';

const REALM = 'trunk.example';

/** A trunk on loopback: what it does with a call is a function of the test's. */
export class FakeTrunk implements AsyncDisposable {
  readonly agent: UserAgent;
  /** INVITEs that passed the digest. */
  readonly calls: IncomingCall[] = [];
  readonly media: AgreedMedia[] = [];
  readonly ends: string[] = [];
  readonly answered: Call[] = [];
  readonly #digest = new DigestServer({ realm: REALM, key: Buffer.alloc(32, 1), randomBytes: cryptoRandom.bytes });
  readonly #transport: 'udp' | 'tcp';
  onCall: (call: IncomingCall) => void = (call) => this.accept(call);
  /** REGISTERs that passed, as `Contact-user Expires`. */
  readonly registered: string[] = [];
  contact = '';
  /** What a transfer is answered with. */
  onRefer: ((target: string, call: Call | undefined) => boolean) | undefined;
  /** `user:password`; null: no challenge. */
  login: string | null = null;
  port = 0;

  private constructor(transport: 'udp' | 'tcp') {
    this.#transport = transport;
    this.agent = new UserAgent({
      clock: realClock,
      random: cryptoRandom,
      resolver: NO_DNS,
      product: 'trunk',
      onInvite: (call) => this.#invite(call),
      onRegister: (transaction) => this.#register(transaction),
    });
  }

  static async open(transport: 'udp' | 'tcp' = 'udp'): Promise<FakeTrunk> {
    const trunk = new FakeTrunk(transport);
    const bind = { address: '127.0.0.1', port: 0 };
    const opened =
      transport === 'udp'
        ? await openUdpTransport(bind, trunk.agent.transportEvents)
        : await openStreamTransport(bind, { clock: realClock }, trunk.agent.transportEvents);
    trunk.agent.listen(opened);
    trunk.port = opened.local.port;
    return trunk;
  }

  /** The account that leads here. */
  credential(values: Readonly<Record<string, string>> = {}): OpenCredential {
    const all: Record<string, string> = {
      host: '127.0.0.1',
      port: `${this.port}`,
      transport: this.#transport,
      ...values,
    };
    return {
      id: 'credential-1' as CredentialId,
      projectId: 'project-1' as ProjectId,
      provider: 'sip',
      text: (key) => all[key] ?? null,
      list: () => [],
    };
  }

  accept(incoming: IncomingCall, port = 41_000): Call | undefined {
    const negotiator = new SdpNegotiator({
      local: { address: '127.0.0.1', port, codecs: ['PCMA'] },
      id: '7',
      changed: (agreed) => void this.media.push(agreed),
    });
    const call: Call | undefined = incoming.accept(negotiator, {
      ended: (why) => void this.ends.push(why),
      ...(this.onRefer ? { transferRequested: (target: string) => this.onRefer?.(target, call) ?? false } : {}),
    });
    if (call) this.answered.push(call);
    return call;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.agent[Symbol.asyncDispose]();
  }

  #invite(call: IncomingCall): void {
    call.onCancelled = () => void this.ends.push('cancelled');
    if (this.login !== null && !this.#isKnown(call, this.login)) {
      const asked = { source: call.flow.remote.address, nowMs: Date.now() };
      const challenges = this.#digest.challenge(asked);
      const headers = challenges.map((value) => ({ name: 'Proxy-Authenticate', value }));
      call.reject(407, headers);
    } else {
      this.calls.push(call);
      this.onCall(call);
    }
  }

  #register(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (this.login !== null && !this.#isKnown(transaction, this.login, 'Authorization')) {
      const challenges = this.#digest.challenge({ source: transaction.flow.remote.address, nowMs: Date.now() });
      const headers = challenges.map((value) => ({ name: 'WWW-Authenticate', value }));
      transaction.respond(createResponse(request, 401, { headers, toTag: 'registrar' }));
      return;
    }
    const contact = headerOf(request, 'Contact');
    if (contact === undefined) {
      const known = this.contact === '' ? [] : [{ name: 'Contact', value: `<${this.contact}>;expires=1800` }];
      transaction.respond(createResponse(request, 200, { headers: known, toTag: 'registrar' }));
      return;
    }
    const expires = headerOf(request, 'Expires') ?? '';
    this.contact = /<(.*)>/.exec(contact)?.[1] ?? '';
    this.registered.push(`${/sip:(.*)@/.exec(this.contact)?.[1]} ${expires}`);
    const headers = [{ name: 'Contact', value: `<${this.contact}>;expires=${expires}` }];
    transaction.respond(createResponse(request, 200, { headers, toTag: 'registrar' }));
  }

  #isKnown(
    { request, flow }: Pick<IncomingCall, 'request' | 'flow'>,
    login: string,
    name = 'Proxy-Authorization',
  ): boolean {
    const header = headerOf(request, name) ?? '';
    const claim = this.#digest.claim(header);
    if (!claim) return false;
    const [username = '', password = ''] = login.split(':');
    const asked = { method: request.method, header, source: flow.remote.address, nowMs: Date.now() };
    const candidate = hashUser(claim.algorithm, username, REALM, password);
    return claim.username === username && this.#digest.verify(asked, [candidate]).type === 'accepted';
  }
}
