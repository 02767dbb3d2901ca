import type { AssistantId } from '../../core/ids.ts';
import type { Header, SipRequest } from '../../protocols/sip/message/message.ts';
import { type Binding, readRegister } from '../../protocols/sip/uas/register-request.ts';

const MIN_SECONDS = 60;
const MAX_SECONDS = 600;
const MOST_BINDINGS = 10;
const SWEEP_AT = 1000;

export type RegisterAnswer = { readonly status: number; readonly headers: readonly Header[] };

/**
 * Phones that show "registered" before they let one dial. Bindings are remembered only to be told back; nothing is called by them.
 * At most 10 an assistant: the one refreshed longest ago goes first.
 */
export class Registrar {
  readonly #nowMs: () => number;
  readonly #bindings = new Map<AssistantId, Map<string, number>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Answers a REGISTER that proved to be of this assistant (RFC 3261, 10.3): 60 to 600 s are granted. */
  answer(assistantId: AssistantId, request: SipRequest): RegisterAnswer {
    const asked = readRegister(request);
    if (asked.type === 'refused') return { status: asked.status, headers: [] };
    this.#sweep();
    const known = this.#bindings.get(assistantId) ?? new Map<string, number>();
    if (asked.type === 'remove all') known.clear();
    if (asked.type === 'bind') {
      const isTooBrief = asked.bindings.some(({ seconds }) => seconds > 0 && seconds < MIN_SECONDS);
      if (isTooBrief) return { status: 423, headers: [{ name: 'Min-Expires', value: `${MIN_SECONDS}` }] };
      for (const binding of asked.bindings) this.#bind(known, binding);
    }
    if (known.size > 0) this.#bindings.set(assistantId, known);
    else this.#bindings.delete(assistantId);
    return { status: 200, headers: this.#print(known) };
  }

  #bind(known: Map<string, number>, { uri, seconds }: Binding): void {
    known.delete(uri);
    if (seconds === 0) return;
    known.set(uri, this.#nowMs() + Math.min(seconds, MAX_SECONDS) * 1000);
    const [oldest] = known.keys();
    if (known.size > MOST_BINDINGS && oldest !== undefined) known.delete(oldest);
  }

  #print(known: Map<string, number>): Header[] {
    const nowMs = this.#nowMs();
    for (const [uri, untilMs] of known) if (untilMs <= nowMs) known.delete(uri);
    return Array.from(known, ([uri, untilMs]) => ({
      name: 'Contact',
      value: `<${uri}>;expires=${Math.ceil((untilMs - nowMs) / 1000)}`,
    }));
  }

  /** Forgets whole assistants whose phones are gone, when there are many. */
  #sweep(): void {
    if (this.#bindings.size < SWEEP_AT) return;
    const nowMs = this.#nowMs();
    for (const [assistantId, known] of this.#bindings)
      if ([...known.values()].every((untilMs) => untilMs <= nowMs)) this.#bindings.delete(assistantId);
  }
}
