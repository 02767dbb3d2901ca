import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Arrivals } from '../arrivals.ts';
import { CarrierLeg } from '../carrier-leg.ts';
import { type ExotelStreamAnswer, readConnectAnswer } from './answer.ts';
import { type ExotelAccount, type ExotelForm, withoutPassword } from './exotel-account.ts';
import { ExotelStream } from './voicebot-stream.ts';

export type ExotelStatus = 'queued' | 'ringing' | 'in-progress' | 'completed' | 'busy' | 'no-answer' | 'failed';

export type ExotelCallOrder = {
  readonly from: string;
  readonly to: string;
  readonly direction: 'incoming' | 'outbound-api';
  readonly customField: string | null;
  readonly statusCallback: {
    readonly url: string;
    readonly events: readonly string[];
    readonly form: ExotelForm;
  } | null;
};

/** How this account's streams are. */
export type ExotelStreamHabits = {
  /** Null: as the answer says. */
  readonly encoding: 'linear' | 'mulaw' | null;
  readonly saysFormat: boolean;
};

/** What comes behind the stream in a flow: a Connect applet that asks whom to dial, a Passthru applet that is told how it went. */
export type ExotelNextApplets = { readonly connectUrl?: string; readonly passthruUrl?: string };

const OVER: readonly ExotelStatus[] = ['completed', 'busy', 'no-answer', 'failed'];
const RATES = [8_000, 16_000, 24_000];

/** One call at Exotel: a flow of applets, one of which streams; its end goes on to the next applet. */
export class ExotelCall {
  readonly sid = randomBytes(16).toString('hex');
  readonly createdAt = new Date();
  readonly order: ExotelCallOrder;
  readonly ended: Promise<ExotelStatus>;
  readonly troubles: string[] = [];
  /** Whom the Connect applet behind the stream dialled. */
  readonly dialled: string[] = [];
  status: ExotelStatus = 'queued';
  readonly #account: ExotelAccount;
  readonly #legs = new Arrivals<CarrierLeg>();
  readonly #end = Promise.withResolvers<ExotelStatus>();
  #leg: CarrierLeg | null = null;
  #callbacks: Promise<unknown> = Promise.resolve();

  constructor(order: ExotelCallOrder, account: ExotelAccount) {
    this.order = order;
    this.ended = this.#end.promise;
    this.#account = account;
  }

  get isOver(): boolean {
    return OVER.includes(this.status);
  }

  /** The line of the next stream, for a phone to open. */
  nextLeg(timeoutMs?: number): Promise<CarrierLeg> {
    return this.#legs.next('a stream', timeoutMs);
  }

  /** What an applet sends with its requests. */
  fields(): Record<string, string> {
    const { from, to, direction, customField } = this.order;
    const now = exotelTime(new Date());
    return {
      CallSid: this.sid,
      CallFrom: from,
      CallTo: to,
      Direction: direction,
      Created: exotelTime(this.createdAt),
      DialWhomNumber: '',
      From: from,
      To: to,
      CurrentTime: now,
      flow_id: '700001',
      tenant_id: '1',
      CallType: 'call-attempt',
      ...(customField !== null && { CustomField: customField }),
    };
  }

  /** Moves the call on and tells it. */
  become(status: ExotelStatus): void {
    if (this.isOver) return;
    this.status = status;
    this.#tell();
    if (this.isOver) void this.#callbacks.then(() => this.#end.resolve(status));
  }

  /** Streams, and then goes on in the flow: to its Connect applet, or to the end. */
  async stream(answer: ExotelStreamAnswer, habits: ExotelStreamHabits, next: ExotelNextApplets): Promise<void> {
    const { accountSid, reach, line } = this.#account.options;
    const { bare, headers } = withoutPassword(answer.url);
    const asked = Number(new URL(bare).searchParams.get('sample-rate'));
    const encoding = habits.encoding ?? answer.encoding;
    const sampleRate = encoding === 'linear' && RATES.includes(asked) ? asked : 8_000;
    const { from, to } = this.order;
    const { saysFormat } = habits;
    const dialect = new ExotelStream({ callSid: this.sid, accountSid, from, to, encoding, sampleRate, saysFormat });
    const leg = new CarrierLeg(dialect, { ...line, url: bare, reach, headers });
    this.#leg = leg;
    this.#legs.add(leg);
    const end = await leg.ended;
    this.#leg = null;
    if (end.by === 'fault') this.troubles.push(end.how);
    if (end.by !== 'us') await this.#connect(next).catch((error: unknown) => this.troubles.push(String(error)));
    this.become('completed');
  }

  async #connect({ connectUrl, passthruUrl }: ExotelNextApplets): Promise<void> {
    if (connectUrl === undefined || this.isOver) return;
    const answer = await this.#account.send(connectUrl, this.fields(), 'GET');
    const connect = readConnectAnswer(answer.status, answer.body);
    const [number] = connect?.numbers ?? [];
    if (number === undefined) return;
    this.dialled.push(number);
    const callee = this.#account.options.callees(number);
    await pause(callee.afterMs + (callee.does === 'answer' ? (callee.talksMs ?? 0) : 0));
    const result = { answer: 'completed', busy: 'busy', 'no-answer': 'no-answer', fail: 'failed' }[callee.does];
    const CallType = callee.does === 'answer' ? 'completed' : 'incomplete';
    if (passthruUrl !== undefined)
      await this.#account.send(passthruUrl, { ...this.fields(), DialCallStatus: result, CallType }, 'GET');
  }

  complete(): void {
    this.#leg?.hangUp();
    this.become('completed');
  }

  #tell(): void {
    const { statusCallback, from, to, direction, customField } = this.order;
    const event = this.isOver ? 'terminal' : this.status === 'in-progress' ? 'answered' : null;
    if (!statusCallback || event === null || !statusCallback.events.includes(event)) return;
    const fields = {
      CallSid: this.sid,
      EventType: event,
      DateCreated: exotelTime(this.createdAt),
      DateUpdated: exotelTime(new Date()),
      Status: this.status,
      To: to,
      From: from,
      Direction: direction,
      ...(customField !== null && { CustomField: customField }),
    };
    this.#callbacks = this.#callbacks.then(() =>
      this.#account.send(statusCallback.url, fields, statusCallback.form).catch(() => null),
    );
  }
}

/** 2026-01-31 17:05:09 */
function exotelTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ');
}
