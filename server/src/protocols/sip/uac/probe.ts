import type { AgentCore } from '../agent-core.ts';
import type { RequestDraft } from '../dialog/dialog.ts';
import { randomToken, type Timer } from '../environment.ts';
import { DEFAULT_MAX_FORWARDS, NO_BODY } from '../message/message.ts';
import { withTag } from '../message/name-address.ts';
import { SendingRequest } from './send-request.ts';

export type ProbeOptions = {
  /** Who is asked: `sip:trunk.example.com`. */
  readonly target: string;
  /** Who asks: `sip:100@trunk.example.com`. */
  readonly from: string;
  readonly everyMs?: number;
  /** Told at the first answer, or the first time-out, and then when it changes. */
  readonly changed: (isUp: boolean) => void;
};

const EVERY_MS = 60_000;

/**
 * Asks a peer again and again whether it is there, by OPTIONS (RFC 3261, 11). Any final response but 503 says yes, a refusal
 * included; none within 32 s says no, and calls try its other servers first meanwhile (`AgentCore.avoided`).
 */
export class Probe {
  readonly #core: AgentCore;
  readonly #options: ProbeOptions;
  #timer: Timer | undefined;
  #isUp: boolean | null = null;
  #isClosed = false;

  constructor(core: AgentCore, options: ProbeOptions) {
    this.#core = core;
    this.#options = options;
    core.ongoing.add(this);
    this.#ask();
  }

  /** Asks no more; an answer that is on its way is not heard. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#core.ongoing.delete(this);
  }

  #ask(): void {
    new SendingRequest(this.#core, this.#draft(), {
      handlers: {
        response: ({ status }) => {
          if (status >= 200) this.#answered(status !== 503);
        },
        failed: () => this.#answered(false),
      },
    });
  }

  #draft(): RequestDraft {
    const { target, from } = this.#options;
    const { random } = this.#core;
    return {
      type: 'request',
      method: 'OPTIONS',
      uri: target,
      maxForwards: DEFAULT_MAX_FORWARDS,
      from: withTag({ uri: from, params: new Map() }, randomToken(random)),
      to: { uri: target, params: new Map() },
      callId: randomToken(random),
      cseq: { number: 1, method: 'OPTIONS' },
      headers: [{ name: 'Accept', value: 'application/sdp' }],
      body: NO_BODY,
      nextHop: target,
    };
  }

  #answered(isUp: boolean): void {
    if (this.#isClosed) return;
    if (isUp !== this.#isUp) this.#options.changed(isUp);
    this.#isUp = isUp;
    const everyMs = this.#options.everyMs ?? EVERY_MS;
    // A little apart, so that many accounts do not ask in one moment for ever.
    const delayMs = everyMs * (0.9 + this.#core.random.below(21) / 100);
    this.#timer = this.#core.clock.after(delayMs, () => this.#ask());
  }
}
