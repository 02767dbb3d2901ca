import type { EndReason } from '../../core/call/call.ts';
import { toAppError } from '../../core/errors.ts';
import type { AssistantId, ContextId } from '../../core/ids.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { MediaEnd } from '../../core/ports/media-transport.ts';
import type { Random } from '../../core/ports/random.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import { SRTP_KEY_BYTES } from '../../protocols/sdp/negotiate.ts';
import { SdpNegotiator } from '../../protocols/sdp/sdp-negotiator.ts';
import type { Call } from '../../protocols/sip/call/call.ts';
import type { CallEnd } from '../../protocols/sip/call/call-options.ts';
import type { TransferProgress } from '../../protocols/sip/call/sipfrag.ts';
import type { IncomingCall } from '../../protocols/sip/uas/incoming-call.ts';
import { announcementOf } from './announcement.ts';
import { MediaWithInfoDigits } from './digit-sources.ts';
import type { RtpCall, RtpMedia, SipCalls } from './ports.ts';
import { refusalOf } from './refusal.ts';

export type LegParts = {
  readonly calls: SipCalls;
  readonly media: RtpMedia;
  readonly log: EventLog;
  readonly random: Random;
  /** The address the caller is told to send audio to. */
  readonly address: string;
};

/** What the reason is when a call is over before the conversation has taken its media. */
const REASON: Readonly<Record<CallEnd, EndReason>> = {
  'hung up': 'error',
  'peer hung up': 'caller_hung_up',
  'no ack': 'never_connected',
  expired: 'never_connected',
  'media refused': 'rejected',
  lost: 'never_connected',
};

/**
 * One call that comes in, from "let in" to its end: context, ports, 200 with our answer, media to the conversation, BYE.
 *
 *     opening -> accepted -> talking (the conversation owns the end) -> over
 *        +----------+-----------> over (we end the context)
 */
export class IncomingLeg {
  /** Hears how a transfer of this call goes. */
  onTransferProgress: ((progress: TransferProgress) => void) | undefined;
  readonly #parts: LegParts;
  readonly #incoming: IncomingCall;
  readonly #onOver: () => void;
  #contextId: ContextId | undefined;
  #rtp: RtpCall | undefined;
  #media: MediaWithInfoDigits | undefined;
  #call: Call | undefined;
  #isOwned = false;
  #isOver = false;
  #isContextEnded = false;

  constructor(parts: LegParts, incoming: IncomingCall, onOver: () => void) {
    this.#parts = parts;
    this.#incoming = incoming;
    this.#onOver = onOver;
    incoming.onCancelled = () => this.#finish('cancelled', { type: 'peer_closed' });
  }

  get contextId(): ContextId | undefined {
    return this.#contextId;
  }

  /** The dialog, once answered. */
  get call(): Call | undefined {
    return this.#call;
  }

  get media(): MediaWithInfoDigits | undefined {
    return this.#media;
  }

  /** Answers the call, or refuses it; never throws. */
  async answer(assistantId: AssistantId): Promise<void> {
    try {
      this.#incoming.ring();
      this.#contextId = await this.#parts.calls.open(announcementOf(this.#incoming.request, assistantId));
      if (this.#isGone()) return;
      this.#rtp = await this.#parts.media.open({ contextId: this.#contextId, closed: (end) => this.#mediaClosed(end) });
      if (this.#isGone()) return;
      this.#accept(this.#rtp);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Says BYE, or 503 where the call was not answered yet. */
  hangUp(): void {
    if (this.#call) this.#call.hangUp();
    else this.#incoming.reject(503);
    this.#finish('drained', { type: 'closed_by_us' });
  }

  /** The caller gave up while we were opening: what was opened since is closed. */
  #isGone(): boolean {
    if (!this.#isOver && this.#incoming.isOver) this.#finish('never_connected', { type: 'peer_closed' });
    if (!this.#isOver) return false;
    this.#endContext('cancelled');
    this.#free();
    return true;
  }

  #accept(rtp: RtpCall): void {
    const { media, address, random } = this.#parts;
    const secure = this.#incoming.flow.protocol === 'TLS' ? { srtpKey: random.bytes(SRTP_KEY_BYTES) } : {};
    const negotiator = new SdpNegotiator({
      local: { address, port: rtp.port, codecs: media.codecs, ...secure },
      id: `${random.below(2 ** 31)}`,
      changed: (agreed) => this.#agreed(rtp, agreed),
    });
    this.#call = this.#incoming.accept(negotiator, {
      ended: (why) => this.#ended(why),
      digit: (digit) => this.#media?.infoDigit(digit),
      transferProgress: (progress) => this.onTransferProgress?.(progress),
    });
    if (this.#call === undefined) {
      const detail = negotiator.refusedBecause;
      this.#parts.log.info('sip.not_acceptable', { contextId: this.#contextId, detail });
      this.#finish('rejected', { type: 'closed_by_us' });
    } else if (this.#isOver) this.#call.hangUp();
    else if (this.#media) this.#attach(this.#media);
  }

  /** An offer and its answer have met: within `accept`, with a delayed offer at the ACK, and again for each change. */
  #agreed(rtp: RtpCall, agreed: AgreedMedia): void {
    if (this.#isOver) return;
    try {
      if (this.#media) rtp.update(agreed);
      else {
        this.#media = new MediaWithInfoDigits(rtp.start(agreed));
        if (this.#call) this.#attach(this.#media);
      }
    } catch (error) {
      this.#parts.log.error('sip.media_failed', { contextId: this.#contextId }, error);
      this.#call?.hangUp();
      this.#finish('media_failed', { type: 'failed', detail: toAppError(error).message });
    }
  }

  #attach(media: MediaWithInfoDigits): void {
    const { calls, log } = this.#parts;
    const contextId = this.#contextId;
    if (contextId === undefined || this.#isOver) return;
    this.#isOwned = true;
    calls.attach(contextId, media).catch((error: unknown) => {
      const { code } = toAppError(error);
      log.warn('sip.attach_failed', { contextId, code });
      this.#isOwned = false;
      // Then it is somebody else's call, and goes on.
      if (code === 'context_claimed') this.#isContextEnded = true;
      this.#endContext(code === 'draining' ? 'drained' : code === 'over_capacity' ? 'over_capacity' : 'error');
      media.close();
      this.#call?.hangUp();
      this.#finish('error', { type: 'closed_by_us' });
    });
  }

  #ended(why: CallEnd): void {
    const isTheirs = why === 'peer hung up';
    const end: MediaEnd = isTheirs ? { type: 'peer_closed' } : { type: 'lost', detail: `SIP: ${why}` };
    this.#finish(REASON[why], end);
  }

  /** The conversation is over, the line went silent, or the media worker died: time to say BYE. */
  #mediaClosed(end: MediaEnd): void {
    this.#call?.hangUp();
    this.#finish('media_failed', end);
  }

  #refuse(error: unknown): void {
    const failure = toAppError(error);
    const refusal = refusalOf(failure);
    this.#parts.log.warn('sip.refused', { contextId: this.#contextId, code: failure.code, status: refusal.status });
    this.#incoming.reject(refusal.status, refusal.headers);
    const isFull = failure.code === 'over_capacity';
    this.#finish(isFull ? 'over_capacity' : failure.code === 'draining' ? 'drained' : 'error', {
      type: 'closed_by_us',
    });
  }

  /** Once: ends the media, ends the context where no conversation does, frees the ports. */
  #finish(reason: EndReason, end: MediaEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#rtp?.end(end);
    if (!this.#isOwned) this.#endContext(reason);
    this.#free();
    this.#onOver();
  }

  #free(): void {
    const { log } = this.#parts;
    this.#rtp?.[Symbol.asyncDispose]().then(undefined, (error: unknown) => log.error('sip.ports_not_freed', {}, error));
  }

  #endContext(reason: EndReason): void {
    const contextId = this.#contextId;
    if (contextId === undefined || this.#isContextEnded) return;
    this.#isContextEnded = true;
    this.#parts.calls.end(contextId, reason).catch((error: unknown) => {
      this.#parts.log.error('sip.context_not_ended', { contextId, reason }, error);
    });
  }
}
