import type { CarrierHolds } from '../../../core/ports/carrier-holds.ts';
import type { KeyLine } from '../../../core/ports/carrier-keys.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import type { AriLink } from './ari-link.ts';
import type { AriLinks } from './ari-links.ts';
import { channelObjection } from './named-channel.ts';

export type AriHoldsParts = { readonly links: AriLinks; readonly log: EventLog };

type Told = (isHeld: boolean) => void;

/**
 * Holds of phones, which neither AudioSocket nor chan_websocket tells: ARI's ChannelHold and ChannelUnhold of the call's channel.
 * Nothing in ARI tells later whether a channel is held, so what is missed counts as taken up again: better a question too many
 * than a call that waits for ever.
 */
export function ariHolds({ links, log }: AriHoldsParts): CarrierHolds {
  const desks = new WeakMap<AriLink, HoldDesk>();
  const deskOf = (link: AriLink): HoldDesk => {
    const known = desks.get(link) ?? new HoldDesk(link);
    desks.set(link, known);
    return known;
  };
  return {
    objection: channelObjection,
    follow: (line, told) => {
      try {
        return follow(line, (credential) => deskOf(links.open(credential)), told);
      } catch (error) {
        log.warn('asterisk.holds_untold', { contextId: line.context.contextId, reason: String(error) });
        return { [Symbol.dispose]: () => {} };
      }
    },
  };
}

function follow(
  { context, credential }: KeyLine,
  deskOf: (credential: NonNullable<KeyLine['credential']>) => HoldDesk,
  told: Told,
): Disposable {
  const channelId = context.providerCallId;
  if (credential === null || channelId === null) return { [Symbol.dispose]: () => {} };
  return deskOf(credential).follow(channelId, told);
}

/** The calls of one Asterisk that want to hear of holds: one listener for all, as every event of every channel comes by. */
class HoldDesk {
  readonly #link: AriLink;
  readonly #calls = new Map<string, Told>();
  #unsubscribe: (() => void) | null = null;

  constructor(link: AriLink) {
    this.#link = link;
  }

  follow(channelId: string, told: Told): Disposable {
    this.#calls.set(channelId, told);
    this.#unsubscribe ??= this.#link.subscribe({
      event: (event) => {
        if (event.type === 'hold') this.#calls.get(event.channelId)?.(event.isHeld);
      },
      opened: () => {},
      lost: () => {
        for (const each of this.#calls.values()) each(false);
      },
    });
    return { [Symbol.dispose]: () => this.#forget(channelId, told) };
  }

  #forget(channelId: string, told: Told): void {
    if (this.#calls.get(channelId) === told) this.#calls.delete(channelId);
    if (this.#calls.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }
}
