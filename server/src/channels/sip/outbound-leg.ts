import { toAppError } from '../../core/errors.ts';
import type { ContextId } from '../../core/ids.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { MediaEnd } from '../../core/ports/media-transport.ts';
import type { Random } from '../../core/ports/random.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import { SRTP_KEY_BYTES } from '../../protocols/sdp/negotiate.ts';
import { SdpNegotiator } from '../../protocols/sdp/sdp-negotiator.ts';
import type { Call } from '../../protocols/sip/call/call.ts';
import type { CallEnd } from '../../protocols/sip/call/call-options.ts';
import type { TransferProgress } from '../../protocols/sip/call/sipfrag.ts';
import type { SipResponse } from '../../protocols/sip/message/message.ts';
import { secondsOf } from '../../protocols/sip/message/typed-headers.ts';
import type { Flow } from '../../protocols/sip/transport/flow.ts';
import type { OutgoingCall, OutgoingCallOptions } from '../../protocols/sip/uac/outgoing-call.ts';
import { MediaWithInfoDigits } from './digit-sources.ts';
import { type Refusal, wordsOf } from './outbound-refusal.ts';
import type { Route } from './outbound-route.ts';
import type { RtpCall, RtpMedia } from './ports.ts';

/** What the open server lends to calls of ours. */
export interface SipLine {
  call(options: OutgoingCallOptions): OutgoingCall;
  /** The address of ours that whoever this URI leads to is told; remembered for the signalling. @throws AppError carrier_failed when it leads nowhere. */
  addressFor(uri: string, flow?: Flow): Promise<string>;
}

export type OutboundLegParts = {
  readonly line: SipLine;
  readonly media: RtpMedia;
  readonly log: EventLog;
  readonly random: Random;
};

export type OutboundLegPlan = {
  readonly route: Route;
  readonly contextId: ContextId;
  readonly ringTimeoutMs: number;
};

/** What becomes of the leg: `refused` alone, or `answered` and later `over`. */
export type OutboundLegListener = {
  /** Somebody has the call; it may not ring yet. */
  readonly trying: () => void;
  readonly ringing: () => void;
  readonly answered: (media: MediaWithInfoDigits) => void;
  readonly refused: (refusal: Refusal) => void;
  /** The media's own listener has heard the end before. */
  readonly over: () => void;
};

/**
 * One call of ours: ports, INVITE with our offer, media once it is answered, BYE. Audio that comes before the answer is not heard
 * by anybody.
 *
 *     opening -> calling -> talking -> over
 *        +----------+-- refused ------> over
 */
export class OutboundLeg {
  /** Hears how a transfer of this call goes. */
  onTransferProgress: ((progress: TransferProgress) => void) | undefined;
  readonly #parts: OutboundLegParts;
  readonly #plan: OutboundLegPlan;
  readonly #listener: OutboundLegListener;
  #outgoing: OutgoingCall | undefined;
  #rtp: RtpCall | undefined;
  #agreed: AgreedMedia | undefined;
  #media: MediaWithInfoDigits | undefined;
  #call: Call | undefined;
  #hasRung = false;
  #isOver = false;

  constructor(parts: OutboundLegParts, plan: OutboundLegPlan, listener: OutboundLegListener) {
    this.#parts = parts;
    this.#plan = plan;
    this.#listener = listener;
  }

  get callId(): string | undefined {
    return this.#outgoing?.callId;
  }

  /** The dialog, once answered. */
  get call(): Call | undefined {
    return this.#call;
  }

  get media(): MediaWithInfoDigits | undefined {
    return this.#media;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends the INVITE. Never throws: what goes wrong is `refused`. */
  async open(): Promise<void> {
    const { line, media } = this.#parts;
    const { route, contextId } = this.#plan;
    try {
      const address = await line.addressFor(route.to, route.flow);
      if (this.#isOver) return;
      this.#rtp = await media.open({ contextId, closed: (end) => this.#mediaClosed(end) });
      if (this.#isOver) this.#free();
      else this.#invite(this.#rtp, address);
    } catch (error) {
      const { message, retryAfterSeconds = null } = toAppError(error);
      this.#refuse({ status: null, retryAfterSeconds, detail: message });
    }
  }

  /** CANCEL or BYE, as it stands. `refused` or `over` follows. */
  hangUp(): void {
    if (this.#call) this.#call.hangUp();
    else if (this.#outgoing) this.#outgoing.cancel();
    else this.#refuse({ status: 487, retryAfterSeconds: null, detail: 'it was taken back' });
  }

  #invite(rtp: RtpCall, address: string): void {
    const { line, media, random } = this.#parts;
    const { route, ringTimeoutMs } = this.#plan;
    const secure = route.isSecure ? { srtpKey: random.bytes(SRTP_KEY_BYTES) } : {};
    const negotiator = new SdpNegotiator({
      local: { address, port: rtp.port, codecs: media.codecs, ...secure },
      id: `${random.below(2 ** 31)}`,
      changed: (agreed) => this.#agree(rtp, agreed),
    });
    const { to, from, flow, credentials, contactUser, headers } = route;
    this.#outgoing = line.call({
      to,
      from,
      media: negotiator,
      ringTimeoutMs,
      ...(flow ? { flow } : {}),
      ...(headers ? { headers } : {}),
      ...(credentials ? { credentials } : {}),
      ...(contactUser === undefined ? {} : { contactUser }),
      handlers: {
        trying: () => this.#listener.trying(),
        progress: () => this.#rings(),
        answered: (call) => this.#answered(rtp, call),
        refused: (status, response) => this.#refused(status, response),
        ended: (why) => this.#ended(why, negotiator.refusedBecause),
        digit: (digit) => this.#media?.infoDigit(digit),
        transferProgress: (progress) => this.onTransferProgress?.(progress),
      },
    });
  }

  #rings(): void {
    this.#hasRung = true;
    this.#listener.ringing();
  }

  /** Early media, the answer, and each change after it. */
  #agree(rtp: RtpCall, agreed: AgreedMedia): void {
    this.#agreed = agreed;
    if (this.#media) this.#guard(() => rtp.update(agreed));
  }

  /** The ACK goes out right after this. */
  #answered(rtp: RtpCall, call: Call): void {
    this.#call = call;
    const agreed = this.#agreed;
    // Without a usable answer the call ends itself as "media refused".
    if (!agreed || this.#isOver) return;
    this.#guard(() => {
      this.#media = new MediaWithInfoDigits(rtp.start(agreed));
      this.#listener.answered(this.#media);
    });
  }

  #guard(begin: () => void): void {
    try {
      begin();
    } catch (error) {
      this.#parts.log.error('sip.media_failed', { contextId: this.#plan.contextId }, error);
      // Not before the ACK of the 200.
      queueMicrotask(() => this.#call?.hangUp());
      this.#finish({ type: 'failed', detail: toAppError(error).message });
    }
  }

  #refused(status: number, response: SipResponse | undefined): void {
    const isSilent = response === undefined && status === 408;
    const retryAfterSeconds = (response && secondsOf(response, 'Retry-After')) ?? null;
    const detail = isSilent ? 'the other side does not answer, or its name leads nowhere' : wordsOf(status);
    this.#refuse({ status: isSilent ? null : status, retryAfterSeconds, detail });
  }

  #ended(why: CallEnd, refusedBecause: string | undefined): void {
    if (why === 'media refused')
      this.#parts.log.info('sip.not_acceptable', { contextId: this.#plan.contextId, detail: refusedBecause ?? null });
    this.#finish(why === 'peer hung up' ? { type: 'peer_closed' } : { type: 'lost', detail: `SIP: ${why}` });
  }

  /** The conversation is over, the line went silent, or the media worker died: time to say BYE. */
  #mediaClosed(end: MediaEnd): void {
    this.#call?.hangUp();
    this.#finish(end);
  }

  /** After the answer. */
  #finish(end: MediaEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#rtp?.end(end);
    this.#free();
    if (this.#media) this.#listener.over();
    else
      this.#listener.refused({
        status: 488,
        retryAfterSeconds: null,
        hasRung: this.#hasRung,
        detail: 'no audio was agreed on',
      });
  }

  #refuse(refusal: Omit<Refusal, 'hasRung'>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#free();
    this.#listener.refused({ ...refusal, hasRung: this.#hasRung });
  }

  #free(): void {
    const { log } = this.#parts;
    this.#rtp?.[Symbol.asyncDispose]().then(undefined, (error: unknown) => log.error('sip.ports_not_freed', {}, error));
  }
}
