import { setTimeout as pause } from 'node:timers/promises';
import { Arrivals } from '../arrivals.ts';
import { answersAtOnce, type Callees } from '../callee.ts';
import type { LineConditions } from '../carrier-leg.ts';
import { directly, type Reach } from '../reach.ts';
import { RestServer } from '../rest-server.ts';
import type { WebhookAnswer } from '../webhook.ts';
import { TwilioAccount, type TwilioWebhookForm } from './twilio-account.ts';
import { TwilioCall } from './twilio-call.ts';
import { twilioRest } from './twilio-rest.ts';

export type TwilioOptions = {
  readonly accountSid: string;
  /** Null: nothing is signed. */
  readonly authToken: string | null;
  /** How the server's public address is reached. */
  readonly reach?: Reach;
  /** What people do whom the server has called, or a `<Dial>` rings. */
  readonly callees?: Callees;
  readonly line?: LineConditions;
};

export type TwilioNumber = {
  readonly from: string;
  readonly to: string;
  /** The number's voice webhook, and how it is called. */
  readonly voiceUrl: string;
  readonly form?: TwilioWebhookForm;
  /** The number's status callback, told of the end. */
  readonly statusCallback?: string;
  /** More of what Twilio sends: CallerName, StirVerstat, SipHeader_X-… */
  readonly fields?: Readonly<Record<string, string>>;
};

/** A phase 1 that Twilio would not go on with; the caller hears "an application error has occurred". */
export class TwilioRefused extends Error {
  override readonly name = 'TwilioRefused';
  readonly answer: WebhookAnswer;

  constructor(answer: WebhookAnswer) {
    super(`11200: the voice webhook answered ${answer.status}: ${answer.body.slice(0, 200)}`);
    this.answer = answer;
  }
}

/** A whole Twilio on loopback: an account, its REST interface, its calls. */
export class TwilioCarrier implements AsyncDisposable {
  readonly account: TwilioAccount;
  readonly calls: ReadonlyMap<string, TwilioCall>;
  readonly rest: RestServer;
  readonly #calls: Map<string, TwilioCall>;
  readonly #placed: Arrivals<TwilioCall>;

  private constructor(account: TwilioAccount, rest: RestServer, own: TwilioCalls) {
    this.account = account;
    this.rest = rest;
    this.calls = own.calls;
    this.#calls = own.calls;
    this.#placed = own.placed;
  }

  static async start(options: TwilioOptions): Promise<TwilioCarrier> {
    const { accountSid, authToken, reach = directly, callees = answersAtOnce, line = {} } = options;
    const account = new TwilioAccount({ accountSid, authToken, reach, callees, line });
    const own: TwilioCalls = { calls: new Map(), placed: new Arrivals() };
    const place = (call: TwilioCall, document: () => Promise<string>) => {
      own.calls.set(call.sid, call);
      own.placed.add(call);
      void ring(call, account, document);
    };
    const rest = await RestServer.listen(twilioRest({ account, calls: own.calls, place }));
    return new TwilioCarrier(account, rest, own);
  }

  /** http://127.0.0.1:port, in the place of https://api.twilio.com. */
  get url(): string {
    return this.rest.url;
  }

  /** Somebody calls a number: the webhook is sent and its document followed. @throws TwilioRefused, Error without an answer. */
  async callIn(number: TwilioNumber): Promise<TwilioCall> {
    const { from, to, voiceUrl, form = 'POST', statusCallback, fields = {} } = number;
    const callback = statusCallback ? { url: statusCallback, events: ['completed'] } : null;
    const call = new TwilioCall({ from, to, direction: 'inbound', statusCallback: callback }, this.account);
    this.#calls.set(call.sid, call);
    call.become('ringing', 'ringing');
    const answer = await this.account.send(voiceUrl, { ...call.fields(), ...fields }, form);
    if (answer.status !== 200 || !/^(text|application)\/xml\b/.test(answer.headers['content-type'] ?? '')) {
      call.become('failed', 'completed');
      throw new TwilioRefused(answer);
    }
    call.become('in-progress', 'answered');
    void call.follow(answer.body);
    return call;
  }

  /** The next call the server has placed. */
  nextPlaced(timeoutMs?: number): Promise<TwilioCall> {
    return this.#placed.next('a call to be placed', timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const call of this.calls.values()) call.complete();
    await Promise.all([...this.calls.values()].map((call) => call.ended));
    await this.rest[Symbol.asyncDispose]();
  }
}

type TwilioCalls = { readonly calls: Map<string, TwilioCall>; readonly placed: Arrivals<TwilioCall> };

async function ring(call: TwilioCall, account: TwilioAccount, document: () => Promise<string>): Promise<void> {
  call.become('queued', 'initiated');
  call.become('ringing', 'ringing');
  const { does, afterMs } = account.callees(call.order.to);
  await pause(afterMs);
  if (call.isOver) return;
  if (does !== 'answer') {
    call.become(does === 'fail' ? 'failed' : does, 'completed');
    return;
  }
  call.become('in-progress', 'answered');
  await call.follow(await document());
}
