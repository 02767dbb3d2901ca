import { isIP } from 'node:net';
import type { FailureCounter } from '../../protocols/digest/failure-counter.ts';
import { headerOf, type SipRequest } from '../../protocols/sip/message/message.ts';
import type { Flow } from '../../protocols/sip/transport/flow.ts';
import type { Admission } from '../../protocols/sip/user-agent.ts';
import { plainAddress } from './advertised-address.ts';

export type AdmissionLimits = {
  /** New requests a source may send at once, and every second from then on. */
  readonly burst: number;
  readonly perSecond: number;
  /** INVITEs that are being decided on. */
  readonly mostPending: number;
};

export const ADMISSION_LIMITS: AdmissionLimits = { burst: 100, perSecond: 50, mostPending: 256 };

const MOST_SOURCES = 10_000;
const RETRY_AFTER_SECONDS = 5;
/** Tools that look for open servers say who they are. */
const SCANNER = /friendly-scanner|sipvicious|sundayddr|sipcli|sip-scan|vaxsipuseragent|pplsip|iwar|sipsak|gulp/i;

/** What is refused before any work is spent on it. */
export class SipAdmission {
  readonly #failures: FailureCounter;
  readonly #nowMs: () => number;
  readonly #limits: AdmissionLimits;
  readonly #budgets = new Map<string, { tokens: number; atMs: number }>();
  /** INVITEs that are being decided on; the server counts. */
  pending = 0;
  isDraining = false;

  constructor(parts: { failures: FailureCounter; nowMs: () => number; limits?: AdmissionLimits }) {
    this.#failures = parts.failures;
    this.#nowMs = parts.nowMs;
    this.#limits = parts.limits ?? ADMISSION_LIMITS;
  }

  /** A source that failed too often, or is a scanner, hears nothing; draining and full is 503; what is not served 489. */
  judge(request: SipRequest, flow: Flow): Admission {
    const source = sourceOf(flow.remote.address);
    if (this.#failures.patience(source, this.#nowMs()) === 'ignore') return 'drop';
    if (SCANNER.test(headerOf(request, 'User-Agent') ?? '')) return 'drop';
    if (this.isDraining || !this.#spend(source)) return RETRY_LATER;
    if (request.method === 'INVITE' && this.pending >= this.#limits.mostPending) return RETRY_LATER;
    const isEvent = request.method === 'SUBSCRIBE' || request.method === 'PUBLISH';
    return isEvent ? { status: 489, headers: [] } : 'admit';
  }

  #spend(source: string): boolean {
    const nowMs = this.#nowMs();
    const { burst, perSecond } = this.#limits;
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

/** Whom failures and budgets are counted for: an IPv4 address, or the /64 one subscriber has in IPv6. */
export function sourceOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
