import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { LegEnd } from '../../phone/media-leg.ts';
import { Arrivals } from '../arrivals.ts';
import { CarrierLeg } from '../carrier-leg.ts';
import { TwilioStream } from './media-stream.ts';
import type { TwilioAccount } from './twilio-account.ts';
import { readTwiml, type Twiml, type TwimlVerb } from './twiml.ts';

export type TwilioStatus =
  | 'queued'
  | 'ringing'
  | 'in-progress'
  | 'completed'
  | 'busy'
  | 'failed'
  | 'no-answer'
  | 'canceled';

export type TwilioCallOrder = {
  readonly from: string;
  readonly to: string;
  readonly direction: 'inbound' | 'outbound-api';
  /** Where its progress is told, and which of it: initiated, ringing, answered, completed. */
  readonly statusCallback: { readonly url: string; readonly events: readonly string[] } | null;
};

const OVER: readonly TwilioStatus[] = ['completed', 'busy', 'failed', 'no-answer', 'canceled'];

/** One call at Twilio: follows its documents verb by verb, tells its progress, obeys updates over REST. */
export class TwilioCall {
  readonly sid = `CA${randomBytes(16).toString('hex')}`;
  readonly createdAt = new Date();
  readonly order: TwilioCallOrder;
  /** What it was told to do, in order. */
  readonly verbs: TwimlVerb[] = [];
  readonly warnings: string[] = [];
  readonly ended: Promise<TwilioStatus>;
  status: TwilioStatus = 'queued';
  readonly #account: TwilioAccount;
  readonly #legs = new Arrivals<CarrierLeg>();
  readonly #end = Promise.withResolvers<TwilioStatus>();
  #leg: CarrierLeg | null = null;
  /** Which document is being followed: an update makes a new one. */
  #document = 0;
  #callbacks: Promise<void> = Promise.resolve();
  #sequence = 0;

  constructor(order: TwilioCallOrder, account: TwilioAccount) {
    this.order = order;
    this.ended = this.#end.promise;
    this.#account = account;
  }

  get isOver(): boolean {
    return OVER.includes(this.status);
  }

  /** The line of the next `<Stream>`, for a phone to open. */
  nextLeg(timeoutMs?: number): Promise<CarrierLeg> {
    return this.#legs.next('a <Stream>', timeoutMs);
  }

  /** What Twilio sends with every voice webhook. */
  fields(): Record<string, string> {
    const { from, to, direction } = this.order;
    return {
      AccountSid: this.#account.accountSid,
      ApiVersion: '2010-04-01',
      CallSid: this.sid,
      CallStatus: this.status,
      Called: to,
      Caller: from,
      Direction: direction,
      From: from,
      To: to,
    };
  }

  /** Moves the call on and tells it. */
  become(status: TwilioStatus, event: string): void {
    if (this.isOver) return;
    this.status = status;
    this.#tell(event);
    if (this.isOver) void this.#callbacks.then(() => this.#end.resolve(status));
  }

  /** Follows a document until it is done; the call is over then. */
  async follow(text: string): Promise<void> {
    const document = ++this.#document;
    try {
      await this.#followAll(readTwiml(text), document);
      if (document === this.#document) this.become('completed', 'completed');
    } catch (error) {
      this.warnings.push(error instanceof Error ? error.message : String(error));
      this.become(this.status === 'in-progress' ? 'completed' : 'failed', 'completed');
    }
  }

  /** POST Calls/{sid}.json with Twiml: the stream stops, and the new document is followed. */
  replace(text: string): void {
    this.#document++;
    this.#leg?.hangUp();
    void this.follow(text);
  }

  /** Ends it, whoever wants it. */
  complete(): void {
    this.#document++;
    this.#leg?.hangUp();
    this.become(this.status === 'in-progress' ? 'completed' : 'canceled', 'completed');
  }

  async #followAll({ verbs, warnings }: Twiml, document: number): Promise<void> {
    this.warnings.push(...warnings);
    for (const verb of verbs) {
      if (document !== this.#document || this.isOver) return;
      this.verbs.push(verb);
      const next = await this.#obey(verb);
      if (next === 'end') return;
      if (next !== 'go on' && document === this.#document) return this.#followAll(readTwiml(next.twiml), document);
    }
  }

  async #obey(verb: TwimlVerb): Promise<'go on' | 'end' | { readonly twiml: string }> {
    switch (verb.type) {
      case 'stream':
        return (await this.#stream(verb)).by === 'us' ? 'end' : 'go on';
      case 'dial':
        return this.#dial(verb);
      case 'redirect':
        return { twiml: (await this.#account.post(verb.url, this.fields())).body };
      case 'pause':
        await pause(verb.seconds * 1000);
        return 'go on';
      case 'say':
        return 'go on';
      case 'reject':
      case 'hangup':
        return 'end';
    }
  }

  async #stream(verb: Extract<TwimlVerb, { type: 'stream' }>): Promise<LegEnd> {
    const { accountSid, reach, line } = this.#account;
    const { url, parameters, statusCallback, name } = verb;
    const stream = new TwilioStream({ callSid: this.sid, accountSid, parameters });
    const headers = this.#account.signed(url);
    const leg = new CarrierLeg(stream, { ...line, url, reach, headers });
    this.#leg = leg;
    this.#legs.add(leg);
    const tell = async (StreamEvent: string) => {
      if (!statusCallback) return;
      const fields = { AccountSid: accountSid, CallSid: this.sid, StreamSid: stream.streamSid, StreamName: name ?? '' };
      await this.#account.post(statusCallback, { ...fields, StreamEvent, Timestamp: new Date().toISOString() });
    };
    await tell('stream-started').catch(() => undefined);
    const end = await leg.ended;
    this.#leg = null;
    await tell(end.by === 'fault' ? 'stream-error' : 'stream-stopped').catch(() => undefined);
    if (end.by === 'fault') this.warnings.push(end.how);
    return end;
  }

  async #dial(verb: Extract<TwimlVerb, { type: 'dial' }>): Promise<'go on' | 'end' | { readonly twiml: string }> {
    const callee = this.#account.callees(verb.number);
    await pause(callee.afterMs);
    const status = { answer: 'completed', busy: 'busy', 'no-answer': 'no-answer', fail: 'failed' }[callee.does];
    if (callee.does === 'answer') await pause(callee.talksMs ?? 0);
    if (verb.action === null) return 'go on';
    const fields = { ...this.fields(), DialCallStatus: status, DialCallSid: `CA${randomBytes(16).toString('hex')}` };
    const answer = await this.#account.post(verb.action, fields);
    return answer.body.trim() === '' ? 'end' : { twiml: answer.body };
  }

  #tell(event: string): void {
    const { statusCallback } = this.order;
    if (!statusCallback?.events.includes(event)) return;
    const seconds = Math.round((Date.now() - this.createdAt.getTime()) / 1000);
    const fields = {
      ...this.fields(),
      ...(event === 'initiated' && { CallStatus: 'initiated' }),
      CallbackSource: 'call-progress-events',
      SequenceNumber: String(this.#sequence++),
      Timestamp: new Date().toUTCString(),
      ...(this.isOver && { CallDuration: String(seconds), Duration: '1' }),
    };
    this.#callbacks = this.#callbacks.then(() =>
      this.#account.post(statusCallback.url, fields).then(
        () => undefined,
        () => undefined,
      ),
    );
  }
}
