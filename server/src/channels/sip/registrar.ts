import type { AssistantId } from '../../core/ids.ts';
import type { Header, SipRequest } from '../../protocols/sip/message/message.ts';
import { parseSipUri } from '../../protocols/sip/message/sip-uri.ts';
import type { Flow } from '../../protocols/sip/transport/flow.ts';
import { type Binding, readRegister } from '../../protocols/sip/uas/register-request.ts';

const MIN_SECONDS = 60;
const MAX_SECONDS = 600;
const MOST_BINDINGS = 10;
const SWEEP_AT = 1000;

/** A phone that can be called: its Contact, and the flow that leads to it through whatever stands between. */
export type RegisteredPhone = { readonly uri: string; readonly flow: Flow };

type KnownPhone = RegisteredPhone & {
  readonly untilMs: number;
  /** The users of its Contact and of its account's address. */
  readonly names: readonly (string | undefined)[];
};

export type RegisterAnswer = { readonly status: number; readonly headers: readonly Header[] };

/**
 * Phones that show "registered" before they let one dial, and that we may call, from the process they registered with.
 * At most 10 an assistant: the one refreshed longest ago goes first.
 */
export class Registrar {
  readonly #nowMs: () => number;
  readonly #bindings = new Map<AssistantId, Map<string, KnownPhone>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Answers a REGISTER that proved to be of this assistant (RFC 3261, 10.3): 60 to 600 s are granted. */
  answer(assistantId: AssistantId, request: SipRequest, flow: Flow): RegisterAnswer {
    const asked = readRegister(request);
    if (asked.type === 'refused') return { status: asked.status, headers: [] };
    this.#sweep();
    const known = this.#bindings.get(assistantId) ?? new Map<string, KnownPhone>();
    if (asked.type === 'remove all') known.clear();
    if (asked.type === 'bind') {
      const isTooBrief = asked.bindings.some(({ seconds }) => seconds > 0 && seconds < MIN_SECONDS);
      if (isTooBrief) return { status: 423, headers: [{ name: 'Min-Expires', value: `${MIN_SECONDS}` }] };
      for (const binding of asked.bindings) this.#bind(known, binding, { flow, account: asked.aor.user });
    }
    if (known.size > 0) this.#bindings.set(assistantId, known);
    else this.#bindings.delete(assistantId);
    return { status: 200, headers: this.#print(known) };
  }

  /** The phone that registered last under this name, its Contact's or its account's; under the assistant's id, the one that did last of all. */
  find(assistantId: AssistantId, name: string): RegisteredPhone | null {
    const nowMs = this.#nowMs();
    const phones = [...(this.#bindings.get(assistantId)?.values() ?? [])];
    const fitting = ({ names, flow, untilMs }: KnownPhone) =>
      untilMs > nowMs && flow.isOpen && (name === assistantId || names.includes(name));
    return phones.findLast(fitting) ?? null;
  }

  #bind(
    known: Map<string, KnownPhone>,
    { uri, seconds }: Binding,
    by: { flow: Flow; account: string | undefined },
  ): void {
    known.delete(uri);
    if (seconds === 0) return;
    const untilMs = this.#nowMs() + Math.min(seconds, MAX_SECONDS) * 1000;
    known.set(uri, { uri, flow: by.flow, untilMs, names: [parseSipUri(uri)?.user, by.account] });
    const [oldest] = known.keys();
    if (known.size > MOST_BINDINGS && oldest !== undefined) known.delete(oldest);
  }

  #print(known: Map<string, KnownPhone>): Header[] {
    const nowMs = this.#nowMs();
    for (const [uri, { untilMs }] of known) if (untilMs <= nowMs) known.delete(uri);
    return Array.from(known.values(), ({ uri, untilMs }) => ({
      name: 'Contact',
      value: `<${uri}>;expires=${Math.ceil((untilMs - nowMs) / 1000)}`,
    }));
  }

  /** Forgets whole assistants whose phones are gone, when there are many. */
  #sweep(): void {
    if (this.#bindings.size < SWEEP_AT) return;
    const nowMs = this.#nowMs();
    for (const [assistantId, known] of this.#bindings)
      if ([...known.values()].every(({ untilMs }) => untilMs <= nowMs)) this.#bindings.delete(assistantId);
  }
}
