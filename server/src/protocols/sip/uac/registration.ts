import { type AgentCore, type ChallengeAnswerer, contactFor } from '../agent-core.ts';
import type { RequestDraft } from '../dialog/dialog.ts';
import { randomToken, type Timer } from '../environment.ts';
import { DEFAULT_MAX_FORWARDS, NO_BODY, type SipResponse } from '../message/message.ts';
import { withTag } from '../message/name-address.ts';
import { contactsOf, secondsOf } from '../message/typed-headers.ts';
import type { Flow, Target } from '../transport/flow.ts';
import { locateServer } from './locate-server.ts';
import { SendingRequest, targetKey } from './send-request.ts';

export type RegistrationOptions = {
  /** The registrar, `sip:pbx.example.com`. */
  readonly registrar: string;
  /** Who registers: `sip:100@pbx.example.com`. */
  readonly aor: string;
  readonly contactUser: string;
  readonly credentials?: ChallengeAnswerer;
  /** Asked for; the registrar may give less. Default 3600. */
  readonly expiresSeconds?: number;
  readonly changed?: (state: RegistrationState) => void;
};

export type RegistrationState =
  | { readonly type: 'registered'; readonly seconds: number }
  | { readonly type: 'failed'; readonly status: number }
  | { readonly type: 'removed' };

const DEFAULT_EXPIRES_SECONDS = 3600;
const FIRST_BACKOFF_MS = 30_000;
const MAX_BACKOFF_MS = 30 * 60_000;
const KEEP_ALIVE_MS = 25_000;
const KEEP_ALIVE = Buffer.from('\r\n\r\n');

/**
 * Keeps one address registered (RFC 3261, 10.2): refreshed at 50-90 % of its life, at random; after a failure again in 30 s,
 * doubling to 30 min; one Call-ID, CSeq rising. The flow is kept open by a double CRLF (RFC 5626, 4.4).
 */
export class Registration {
  readonly #core: AgentCore;
  readonly #options: RegistrationOptions;
  readonly #callId: string;
  readonly #tag: string;
  #sequence = 0;
  #expires: number;
  #backoffMs = FIRST_BACKOFF_MS;
  #next: Timer | undefined;
  #keepAlive: Timer | undefined;
  #isRemoving = false;
  #isClosed = false;

  constructor(core: AgentCore, options: RegistrationOptions) {
    this.#core = core;
    this.#options = options;
    this.#callId = randomToken(core.random);
    this.#tag = randomToken(core.random);
    this.#expires = options.expiresSeconds ?? DEFAULT_EXPIRES_SECONDS;
    core.ongoing.add(this);
    this.#register();
  }

  /** Forgets it here, without a word to the registrar. */
  close(): void {
    this.#isClosed = true;
    this.#next?.cancel();
    this.#keepAlive?.cancel();
    this.#core.ongoing.delete(this);
  }

  /** Takes the registration back (Expires: 0): the drain of a node. */
  remove(): void {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    this.#expires = 0;
    this.#next?.cancel();
    this.#keepAlive?.cancel();
    this.#register();
  }

  #register(): void {
    void this.#send().catch(() => this.#failed(503));
  }

  async #send(): Promise<void> {
    const { contactUser, credentials } = this.#options;
    const flow = await this.#openFlow();
    // Closed while the name was looked up: nothing is to be left behind.
    if (this.#isClosed) return;
    const contact = `${contactFor(this.#core, flow, contactUser)};expires=${this.#expires}`;
    new SendingRequest(this.#core, this.#draft(contact), {
      flow,
      ...(credentials ? { credentials } : {}),
      nextSequence: () => ++this.#sequence,
      handlers: {
        response: (response, _request, used) => this.#receive(response, used),
        failed: () => this.#failed(408),
      },
    });
  }

  /** To the first server that can be reached and was not silent lately (RFC 3263, 4.3). @throws when there is none. */
  async #openFlow(): Promise<Flow> {
    const { resolver, random, transports, avoided, clock } = this.#core;
    const tools = { resolver, protocols: transports.protocols, below: (limit: number) => random.below(limit) };
    const located: Target[] = await locateServer(this.#options.registrar, tools);
    const isAvoided = (target: Target) => (avoided.get(targetKey(target)) ?? 0) > clock.nowMs();
    let failure: unknown = new Error('the registrar leads nowhere');
    for (const target of located.toSorted((a, b) => Number(isAvoided(a)) - Number(isAvoided(b)))) {
      try {
        return await transports.flowTo(target);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #draft(contact: string): RequestDraft {
    const { aor, registrar } = this.#options;
    this.#sequence++;
    return {
      type: 'request',
      method: 'REGISTER',
      uri: registrar,
      maxForwards: DEFAULT_MAX_FORWARDS,
      from: withTag({ uri: aor, params: new Map() }, this.#tag),
      to: { uri: aor, params: new Map() },
      callId: this.#callId,
      cseq: { number: this.#sequence, method: 'REGISTER' },
      headers: [
        { name: 'Contact', value: contact },
        { name: 'Expires', value: `${this.#expires}` },
      ],
      body: NO_BODY,
      nextHop: registrar,
    };
  }

  #receive(response: SipResponse, flow: Flow) {
    if (response.status < 200) return;
    if (response.status === 423) return this.#registerLonger(response);
    if (response.status >= 300) return this.#failed(response.status);
    if (this.#isRemoving) return this.#removed();
    this.#backoffMs = FIRST_BACKOFF_MS;
    const seconds = grantedSeconds(response, this.#options.contactUser) ?? this.#expires;
    const share = 0.5 + this.#core.random.below(41) / 100;
    this.#plan(seconds * 1000 * share);
    this.#keepOpen(flow);
    this.#options.changed?.({ type: 'registered', seconds });
  }

  /** 10.2.8: the registrar's Min-Expires, at once, but once only for each value. */
  #registerLonger(response: SipResponse) {
    const least = secondsOf(response, 'Min-Expires');
    if (least === undefined || least <= this.#expires || this.#isRemoving) return this.#failed(423);
    this.#expires = least;
    this.#register();
  }

  #failed(status: number) {
    if (this.#isRemoving) return this.#removed();
    this.#keepAlive?.cancel();
    this.#plan(this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, MAX_BACKOFF_MS);
    this.#options.changed?.({ type: 'failed', status });
  }

  #removed(): void {
    this.close();
    this.#options.changed?.({ type: 'removed' });
  }

  #plan(delayMs: number): void {
    if (this.#isClosed) return;
    this.#next?.cancel();
    this.#next = this.#core.clock.after(delayMs, () => this.#register());
  }

  #keepOpen(flow: Flow): void {
    if (this.#isClosed) return;
    this.#keepAlive?.cancel();
    this.#keepAlive = this.#core.clock.after(KEEP_ALIVE_MS, () => {
      flow.send(KEEP_ALIVE);
      this.#keepOpen(flow);
    });
  }
}

/** What the registrar gave our contact: its own `expires`, else the Expires header (10.2.4). */
function grantedSeconds(response: SipResponse, user: string): number | undefined {
  const contacts = contactsOf(response);
  const ours = contacts === '*' ? undefined : contacts.find(({ uri }) => uri.includes(`:${user}@`));
  const own = Number(ours?.params.get('expires') ?? Number.NaN);
  return Number.isInteger(own) ? own : secondsOf(response, 'Expires');
}
