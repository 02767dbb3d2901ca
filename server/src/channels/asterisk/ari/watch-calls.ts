import { type ContextId, parseContextId } from '../../../core/ids.ts';
import type { CallChange, CarrierWatch } from '../../../core/ports/channel.ts';
import type { Clock, Timer } from '../../../core/ports/clock.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import type { AriEvent } from './ari-event.ts';
import type { AriLinks, HeldLink } from './ari-links.ts';
import { endReasonOf } from './call-outcome.ts';

export type WatchCallsParts = {
  readonly links: AriLinks;
  readonly watch: CarrierWatch;
  readonly clock: Clock;
  readonly log: EventLog;
};

const CHANNEL_PREFIX = 'rapida-';
/** What a change of deployments that nobody told us of costs at most. */
const LOOK_EVERY_MS = 60_000;
const LIST_LIMIT_MS = 10_000;
/** Calls that ring at once; beyond it the oldest one's story is forgotten, and told by its end alone. */
const MOST_STORIES = 10_000;

/** What a channel's events said so far. */
type Story = { dialStatus: string; isRinging: boolean; isAnswered: boolean };

/** The id that a call's channel is given, so that its events name the call. */
export function channelIdOf(contextId: ContextId): string {
  return CHANNEL_PREFIX + contextId;
}

/**
 * Follows the calls that we place: each Asterisk of an enabled deployment tells what its channels do, and what was missed while a
 * connection was away is asked for. Several nodes may tell the same; it does no harm.
 */
export function watchCalls(parts: WatchCallsParts): Disposable {
  return new CallWatcher(parts);
}

class CallWatcher implements Disposable {
  readonly #parts: WatchCallsParts;
  readonly #stories = new Map<ContextId, Story>();
  readonly #stop = new AbortController();
  #timer: Timer | null = null;

  constructor(parts: WatchCallsParts) {
    this.#parts = parts;
    parts.links.listen({
      event: (held, event) => this.#heard(held, event),
      opened: (held) => void this.#catchUp(held),
    });
    void this.#look();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#timer?.cancel();
    this.#parts.links[Symbol.dispose]();
  }

  async #look(): Promise<void> {
    const { links, watch, clock, log } = this.#parts;
    try {
      const accounts = await watch.accounts();
      if (!this.#stop.signal.aborted) links.keep(accounts);
    } catch (error) {
      log.warn('asterisk.accounts_unread', { reason: String(error) });
    }
    if (!this.#stop.signal.aborted) this.#timer = clock.after(LOOK_EVERY_MS, () => void this.#look());
  }

  #heard(held: HeldLink, event: AriEvent): void {
    const contextId = contextIdOf(event.channelId);
    if (contextId === null) return;
    const change = this.#changeOf(contextId, event);
    if (change) void this.#report(held, contextId, change);
  }

  #changeOf(contextId: ContextId, event: AriEvent): CallChange | null {
    const story = this.#storyOf(contextId);
    switch (event.type) {
      case 'dial':
        story.dialStatus = event.status;
        if (event.status === 'RINGING') return rings(story);
        return event.status === 'ANSWER' ? answers(story) : null;
      case 'state':
        if (event.state === 'Ringing') return rings(story);
        return event.state === 'Up' ? answers(story) : null;
      case 'destroyed':
        this.#stories.delete(contextId);
        return { type: 'ended', reason: endReasonOf({ ...story, cause: event.cause }) };
      case 'entered_bridge':
      case 'hold':
        return null;
    }
  }

  #storyOf(contextId: ContextId): Story {
    const known = this.#stories.get(contextId);
    if (known) return known;
    const story = { dialStatus: '', isRinging: false, isAnswered: false };
    this.#stories.set(contextId, story);
    const [oldest] = this.#stories.keys();
    if (this.#stories.size > MOST_STORIES && oldest !== undefined) this.#stories.delete(oldest);
    return story;
  }

  /** Rows first, channels then: a call that is placed in between has its channel, and is not taken for one that is gone. */
  async #catchUp(held: HeldLink): Promise<void> {
    const { watch, log } = this.#parts;
    try {
      const waiting = await watch.unanswered([...held.credentialIds]);
      if (waiting.length === 0) return;
      const limit = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(LIST_LIMIT_MS)]);
      const states = new Map<string, string>();
      for (const { id, state } of await held.link.client.channels(limit)) states.set(id, state);
      for (const { contextId, providerCallId } of waiting) {
        const change = this.#changeNow(contextId, states.get(providerCallId));
        if (change) await this.#report(held, contextId, change);
      }
    } catch (error) {
      log.warn('asterisk.calls_unread', { reason: String(error) });
    }
  }

  /** Of a call that was gone when we looked nobody will tell the cause any more. */
  #changeNow(contextId: ContextId, state: string | undefined): CallChange | null {
    if (state === undefined) {
      this.#stories.delete(contextId);
      return { type: 'ended', reason: 'no_answer' };
    }
    return this.#changeOf(contextId, { type: 'state', channelId: channelIdOf(contextId), state });
  }

  async #report(held: HeldLink, contextId: ContextId, change: CallChange): Promise<void> {
    const { watch, log } = this.#parts;
    try {
      await watch.report([...held.credentialIds], contextId, change);
    } catch (error) {
      log.warn('asterisk.event_lost', { contextId, change: change.type, reason: String(error) });
    }
  }
}

function contextIdOf(channelId: string): ContextId | null {
  return channelId.startsWith(CHANNEL_PREFIX) ? parseContextId(channelId.slice(CHANNEL_PREFIX.length)) : null;
}

function rings(story: Story): CallChange | null {
  if (story.isRinging || story.isAnswered) return null;
  story.isRinging = true;
  return { type: 'ringing' };
}

function answers(story: Story): CallChange | null {
  if (story.isAnswered) return null;
  story.isAnswered = true;
  return { type: 'answered' };
}
