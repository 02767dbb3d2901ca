import type { AgentCore, ChallengeAnswerer, DialogOwner } from '../agent-core.ts';
import { bindToFlow } from '../agent-core.ts';
import type { Dialog } from '../dialog/dialog.ts';
import { isIpv4 } from '../message/grammar.ts';
import type { Header, SipResponse } from '../message/message.ts';
import { serializeMessage } from '../message/serialize-message.ts';
import { parseSipUri } from '../message/sip-uri.ts';
import type { Flow } from '../transport/flow.ts';
import { locateServer } from '../uac/locate-server.ts';
import { SendingRequest } from '../uac/send-request.ts';

export type DialogRequestParts = { readonly headers?: readonly Header[]; readonly body?: Uint8Array };

export type DialogRequestOutcome = {
  readonly response: (response: SipResponse) => void;
  readonly failed: () => void;
};

/** The way to the other side of a dialog: which requests go where, and the ACKs. */
export class CallPeer {
  readonly dialog: Dialog;
  readonly #core: AgentCore;
  readonly #credentials: ChallengeAnswerer | undefined;
  #flow: Flow;

  constructor(
    core: AgentCore,
    dialog: Dialog,
    options: { readonly flow: Flow; readonly credentials?: ChallengeAnswerer | undefined },
  ) {
    this.#core = core;
    this.dialog = dialog;
    this.#flow = options.flow;
    this.#credentials = options.credentials;
  }

  /** The flow the peer's newest request came by. */
  get flow(): Flow {
    return this.#flow;
  }

  set flow(flow: Flow) {
    this.#flow = flow;
  }

  /** Makes requests of the dialog reach its owner. */
  register(owner: DialogOwner): void {
    this.#core.dialogs.set(this.dialog.key, owner);
  }

  unregister(): void {
    this.#core.dialogs.delete(this.dialog.key);
  }

  send(method: string, parts: DialogRequestParts, outcome: DialogRequestOutcome): SendingRequest {
    const reused = this.#reusableFlow();
    return new SendingRequest(this.#core, this.dialog.createRequest(method, parts), {
      ...(reused ? { flow: reused } : {}),
      ...(this.#credentials ? { credentials: this.#credentials } : {}),
      nextSequence: () => this.dialog.takeSequence(),
      handlers: { response: (response) => outcome.response(response), failed: () => outcome.failed() },
    });
  }

  /** Sends the ACK of a 2xx; the function it gives sends the same ACK again, for each further copy of that 2xx. */
  acknowledge(inviteSequence: number, parts: DialogRequestParts = {}): () => void {
    const draft = this.dialog.createAck(inviteSequence, parts);
    let bytes: Uint8Array | undefined;
    let flow = this.#reusableFlow();
    const send = async () => {
      flow ??= await this.#openFlow(draft.nextHop);
      if (!flow) return;
      bytes ??= serializeMessage(bindToFlow(this.#core, draft, flow));
      flow.send(bytes);
    };
    // An ACK that cannot be sent is made up for by the next copy of the 2xx.
    const again = () => void send().catch(() => undefined);
    again();
    return again;
  }

  async #openFlow(nextHop: string): Promise<Flow | undefined> {
    const { resolver, random, transports } = this.#core;
    const tools = { resolver, protocols: transports.protocols, below: (limit: number) => random.below(limit) };
    const [target] = await locateServer(nextHop, tools);
    return target && transports.flowTo(target);
  }

  /**
   * The flow the peer came by, where its Contact cannot be reached from here: a connection that is open, or a private address that
   * is not the one its packets come from. A route set always goes first (RFC 3261, 12.2.1.1).
   */
  #reusableFlow(): Flow | undefined {
    if (this.dialog.routeSet.length > 0 || !this.#flow.isOpen) return undefined;
    if (this.#flow.protocol !== 'UDP') return this.#flow;
    const contact = parseSipUri(this.dialog.remoteTarget);
    const isBehindNat = contact !== undefined && isPrivate(contact.host) && contact.host !== this.#flow.remote.address;
    const isSame = contact?.host === this.#flow.remote.address && (contact.port ?? 5060) === this.#flow.remote.port;
    return isBehindNat || isSame ? this.#flow : undefined;
  }
}

/** RFC 1918, RFC 6598 and loopback. */
function isPrivate(host: string): boolean {
  return (
    isIpv4(host) &&
    /^(10\.|127\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)/.test(host)
  );
}
