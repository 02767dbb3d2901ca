import type { ContextId } from '../../core/ids.ts';
import type { TransferOrder, TransferOutcome } from '../../core/ports/call-transfer.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { parseSipUri, printSipUri } from '../../protocols/sip/message/sip-uri.ts';
import type { MediaWithInfoDigits } from './digit-sources.ts';
import { OutboundLeg, type OutboundLegParts } from './outbound-leg.ts';
import { plainRoute, type Route, trunkRoute, trunkUri } from './outbound-route.ts';
import type { SipCalls } from './ports.ts';
import { bridge } from './transfer-bridge.ts';
import { refer, type TransferableCall, takesRefer, transferFailureOf } from './transfer-refer.ts';

export type SipLeg = TransferableCall & { readonly media: MediaWithInfoDigits | undefined };

export type TransferParts = OutboundLegParts & {
  readonly calls: Pick<SipCalls, 'carryOn'>;
  readonly clock: Clock;
  /** The live call of this context on this server. */
  readonly legOf: (contextId: ContextId) => SipLeg | undefined;
  /** The way to a phone that has registered here, as `SipServer.phoneRoute`. */
  readonly phoneRoute: (wish: PhoneWish) => Route | null;
};

type PhoneWish = Pick<TransferOrder['context'], 'assistantId'> & { readonly to: string; readonly from: string | null };

/** Who is called, each way: null where that way does not lead there. */
type Ways = { readonly referTo: string | null; readonly route: Route | null };

/**
 * Hands callers over: by REFER where the peer takes it, for then the call leaves this machine; else by a call of ours to the
 * target, and both talk through this server.
 */
export class SipTransfers {
  readonly #parts: TransferParts;
  /** Second legs, ringing or talking. */
  readonly #legs = new Set<OutboundLeg>();

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#legs.size;
  }

  objection({ context, settings }: Omit<TransferOrder, 'to' | 'ringTimeoutSeconds'>): string | null {
    const leg = this.#parts.legOf(context.contextId);
    if (!leg?.call) return 'the call is not on this SIP server';
    const isReferOnly = settings['transfer'] === 'refer';
    return isReferOnly && !takesRefer(leg.call) ? 'the other side does not take REFER' : null;
  }

  /** @see CallTransfer.transfer */
  async transfer(order: TransferOrder, signal: AbortSignal): Promise<TransferOutcome> {
    const { context, settings, ringTimeoutSeconds } = order;
    const leg = this.#parts.legOf(context.contextId);
    if (!leg?.call || !leg.media || signal.aborted) return failed('cancelled', 'the caller hung up');
    const { referTo, route } = this.#waysTo(order, leg.call.peer.dialog.remoteTarget);
    const ringTimeoutMs = ringTimeoutSeconds * 1000;
    if (referTo !== null && settings['transfer'] !== 'bridge' && takesRefer(leg.call)) {
      const { clock, log } = this.#parts;
      const note = (status: number) => log.info('sip.transfer', { contextId: context.contextId, by: 'refer', status });
      const outcome = await refer(leg, { clock, target: referTo, ringTimeoutMs, note }, signal);
      if (outcome.type !== 'refused') return outcome;
    }
    if (route === null || settings['transfer'] === 'refer')
      return failed('unreachable', 'the other side does not take REFER, and there is no trunk to call over');
    return await this.#bridge({ caller: leg.media, route, ringTimeoutMs, contextId: context.contextId }, signal);
  }

  /** BYE to all second legs. */
  close(): void {
    for (const leg of [...this.#legs]) leg.hangUp();
  }

  #waysTo({ context, credential, to }: TransferOrder, peer: string): Ways {
    const { assistantId } = context;
    // A number of our own: trunks refuse those of others.
    const from = context.direction === 'inbound' ? context.to : context.from;
    if (parseSipUri(to)) return { referTo: to, route: plainRoute(to, from ?? assistantId) };
    const phone = this.#parts.phoneRoute({ assistantId, to, from });
    if (phone) return { referTo: null, route: phone };
    const { random } = this.#parts;
    if (credential?.text('host')) {
      const route = trunkRoute(credential, { to, from }, (count) => random.bytes(count));
      return { referTo: trunkUri(credential, to), route };
    }
    const { host, port } = parseSipUri(peer) ?? {};
    if (host === undefined) return { referTo: null, route: null };
    const where = {
      scheme: 'sip',
      user: to,
      host,
      ...(port === undefined ? {} : { port }),
      params: new Map(),
    } as const;
    return { referTo: printSipUri(where), route: null };
  }

  #bridge({ caller, ...plan }: Bridging, signal: AbortSignal): Promise<TransferOutcome> {
    const { promise, resolve } = Promise.withResolvers<TransferOutcome>();
    const { calls } = this.#parts;
    const leg: OutboundLeg = new OutboundLeg(this.#parts, plan, {
      trying: () => {},
      ringing: () => {},
      answered: (callee) => {
        const bridged = signal.aborted ? null : bridge(caller, callee);
        // Not before the ACK.
        if (bridged === null) return queueMicrotask(() => leg.hangUp());
        calls.carryOn({ contextId: plan.contextId, ...bridged });
        resolve({ type: 'connected' });
      },
      refused: ({ status, detail }) => {
        this.#legs.delete(leg);
        resolve(failed(transferFailureOf(status), detail));
      },
      over: () => {
        this.#legs.delete(leg);
        resolve(failed('cancelled', 'the caller hung up'));
      },
    });
    const abort = () => {
      resolve(failed('cancelled', 'the caller hung up'));
      if (!leg.call) leg.hangUp();
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#legs.add(leg);
    void leg.open();
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }
}

type Bridging = {
  readonly caller: MediaWithInfoDigits;
  readonly route: Route;
  readonly ringTimeoutMs: number;
  readonly contextId: ContextId;
};

function failed(reason: Extract<TransferOutcome, { type: 'failed' }>['reason'], detail: string): TransferOutcome {
  return { type: 'failed', reason, detail };
}
