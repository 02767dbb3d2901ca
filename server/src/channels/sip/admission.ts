import { headerOf, type SipRequest } from '../../protocols/sip/message/message.ts';
import type { Flow } from '../../protocols/sip/transport/flow.ts';
import type { Admission } from '../../protocols/sip/user-agent.ts';
import { type SourceStanding, sourceOf } from './source-standing.ts';

/** New requests a source may send at once, and every second from then on. */
export type SourceBudget = { readonly burst: number; readonly perSecond: number };

export type AdmissionLimits = {
  readonly stranger: SourceBudget;
  /** Of a source that proved to be somebody in the last ten minutes: a PBX sends all its calls from one address. */
  readonly trusted: SourceBudget;
  /** INVITEs that are being decided on. */
  readonly mostPending: number;
};

export const ADMISSION_LIMITS: AdmissionLimits = {
  stranger: { burst: 100, perSecond: 50 },
  trusted: { burst: 2000, perSecond: 1000 },
  mostPending: 256,
};

const MOST_SOURCES = 10_000;
const RETRY_AFTER_SECONDS = 5;
/** Tools that look for open servers say who they are. */
const SCANNER = /friendly-scanner|sipvicious|sundayddr|sipcli|sip-scan|vaxsipuseragent|pplsip|iwar|sipsak|gulp/i;

/** What is refused before any work is spent on it. */
export class SipAdmission {
  readonly #standing: SourceStanding;
  readonly #nowMs: () => number;
  readonly #limits: AdmissionLimits;
  readonly #budgets = new Map<string, { tokens: number; atMs: number }>();
  /** INVITEs that are being decided on; the server counts. */
  pending = 0;
  isDraining = false;

  constructor(parts: { standing: SourceStanding; nowMs: () => number; limits?: AdmissionLimits }) {
    this.#standing = parts.standing;
    this.#nowMs = parts.nowMs;
    this.#limits = parts.limits ?? ADMISSION_LIMITS;
  }

  /** A source that failed too often, or is a scanner, hears nothing; draining and full is 503; what is not served 489. */
  judge(request: SipRequest, flow: Flow): Admission {
    const { address } = flow.remote;
    if (this.#standing.patience(address) === 'ignore') return 'drop';
    if (SCANNER.test(headerOf(request, 'User-Agent') ?? '')) return 'drop';
    if (this.isDraining || !this.#spend(address)) return RETRY_LATER;
    if (request.method === 'INVITE' && this.pending >= this.#limits.mostPending) return RETRY_LATER;
    const isEvent = request.method === 'SUBSCRIBE' || request.method === 'PUBLISH';
    return isEvent ? { status: 489, headers: [] } : 'admit';
  }

  #spend(address: string): boolean {
    const nowMs = this.#nowMs();
    const source = sourceOf(address);
    const { burst, perSecond } = this.#standing.isTrusted(address) ? this.#limits.trusted : this.#limits.stranger;
    const known = this.#budgets.get(source) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, known.tokens + ((nowMs - known.atMs) * perSecond) / 1000);
    const isLeft = tokens >= 1;
    this.#budgets.delete(source);
    this.#budgets.set(source, { tokens: isLeft ? tokens - 1 : tokens, atMs: nowMs });
    const [oldest] = this.#budgets.keys();
    if (this.#budgets.size > MOST_SOURCES && oldest !== undefined) this.#budgets.delete(oldest);
    return isLeft;
  }
}

const RETRY_LATER = { status: 503, headers: [{ name: 'Retry-After', value: `${RETRY_AFTER_SECONDS}` }] };
