import { setTimeout as pause } from 'node:timers/promises';
import { Arrivals } from '../arrivals.ts';
import { answersAtOnce, type Callees } from '../callee.ts';
import type { LineConditions } from '../carrier-leg.ts';
import { directly, type Reach } from '../reach.ts';
import { RestServer } from '../rest-server.ts';
import type { WebhookAnswer } from '../webhook.ts';
import { VonageApplication, type VonageKeys } from './vonage-application.ts';
import { VonageCall, type VonageStatus } from './vonage-call.ts';
import { vonageRest } from './vonage-rest.ts';

export type VonageOptions = VonageKeys & {
  /** How the server's public address is reached. */
  readonly reach?: Reach;
  /** What people do whom the server has called, or a transfer rings. */
  readonly callees?: Callees;
  readonly line?: LineConditions;
};

export type VonageNumber = {
  /** Digits without +. */
  readonly from: string;
  readonly to: string;
  readonly answerUrl: string;
  /** GET is Vonage's default. */
  readonly answerMethod?: 'GET' | 'POST';
  readonly eventUrl?: string;
  readonly eventMethod?: 'GET' | 'POST';
  /** More of what Vonage sends: SipHeader_X-… */
  readonly fields?: Readonly<Record<string, string>>;
};

/** A phase 1 that Vonage would not go on with; the call ends. */
export class VonageRefused extends Error {
  override readonly name = 'VonageRefused';
  readonly answer: WebhookAnswer;

  constructor(answer: WebhookAnswer) {
    super(`the answer webhook answered ${answer.status}: ${answer.body.slice(0, 200)}`);
    this.answer = answer;
  }
}

type VonageCalls = { readonly calls: Map<string, VonageCall>; readonly placed: Arrivals<VonageCall> };

/** A whole Vonage on loopback: an application, its REST interface, its calls. */
export class VonageCarrier implements AsyncDisposable {
  readonly application: VonageApplication;
  readonly rest: RestServer;
  readonly #own: VonageCalls;

  private constructor(application: VonageApplication, rest: RestServer, own: VonageCalls) {
    this.application = application;
    this.rest = rest;
    this.#own = own;
  }

  static async start(options: VonageOptions): Promise<VonageCarrier> {
    const { reach = directly, callees = answersAtOnce, line = {} } = options;
    const application = new VonageApplication({ ...options, reach, callees, line });
    const own: VonageCalls = { calls: new Map(), placed: new Arrivals() };
    const place = (call: VonageCall, ncco: () => Promise<unknown>) => {
      own.calls.set(call.uuid, call);
      own.placed.add(call);
      void ring(call, application, ncco);
    };
    const rest = await RestServer.listen(vonageRest({ application, calls: own.calls, place }));
    return new VonageCarrier(application, rest, own);
  }

  /** http://127.0.0.1:port, in the place of https://api.nexmo.com. */
  get url(): string {
    return this.rest.url;
  }

  get calls(): ReadonlyMap<string, VonageCall> {
    return this.#own.calls;
  }

  /** Somebody calls a number: the answer webhook is sent and its NCCO followed. @throws VonageRefused, Error without an answer. */
  async callIn(number: VonageNumber): Promise<VonageCall> {
    const { from, to, answerUrl, answerMethod = 'GET', eventUrl, eventMethod = 'POST', fields = {} } = number;
    const event = eventUrl === undefined ? null : { url: eventUrl, method: eventMethod };
    const call = new VonageCall({ from, to, direction: 'inbound', event }, this.application);
    this.#own.calls.set(call.uuid, call);
    call.become('started');
    call.become('ringing');
    const answer = await this.application.send(answerMethod, answerUrl, { ...call.fields(), ...fields });
    if (answer.status !== 200) {
      call.become('failed');
      throw new VonageRefused(answer);
    }
    call.become('answered');
    void call.follow(JSON.parse(answer.body));
    return call;
  }

  /** The next call the server has placed. */
  nextPlaced(timeoutMs?: number): Promise<VonageCall> {
    return this.#own.placed.next('a call to be placed', timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const calls = [...this.calls.values()];
    for (const call of calls) call.complete();
    await Promise.all(calls.map((call) => call.ended));
    await this.rest[Symbol.asyncDispose]();
  }
}

async function ring(call: VonageCall, application: VonageApplication, ncco: () => Promise<unknown>): Promise<void> {
  call.become('started');
  call.become('ringing');
  const { does, afterMs } = application.options.callees(call.order.to);
  await pause(afterMs);
  if (call.isOver) return;
  const refusals: Readonly<Record<string, VonageStatus>> = {
    busy: 'busy',
    'no-answer': 'unanswered',
    fail: 'failed',
  };
  const refusal = refusals[does];
  if (refusal) {
    call.become(refusal);
    return;
  }
  call.become('answered');
  await call.follow(await ncco());
}
