import { setTimeout as pause } from 'node:timers/promises';
import { Arrivals } from '../arrivals.ts';
import { answersAtOnce, type Callees } from '../callee.ts';
import type { LineConditions } from '../carrier-leg.ts';
import { directly, type Reach } from '../reach.ts';
import { RestServer } from '../rest-server.ts';
import type { WebhookAnswer } from '../webhook.ts';
import { type ExotelStreamAnswer, readAppletAnswer, readExoml } from './answer.ts';
import { ExotelAccount, type ExotelForm, type ExotelKeys } from './exotel-account.ts';
import { ExotelCall, type ExotelNextApplets, type ExotelStatus, type ExotelStreamHabits } from './exotel-call.ts';
import { exotelRest } from './exotel-rest.ts';

/** A flow: what it asks for the stream, and what comes behind it. */
export type ExotelFlow = ExotelNextApplets & {
  /** The Voicebot applet takes JSON; ExoML is the passthru XML of the manual. */
  readonly applet: 'voicebot' | 'exoml';
  /** With key:token@ before the host for Basic authentication. */
  readonly url: string;
};

export type ExotelOptions = ExotelKeys & {
  /** How the server's public address is reached. */
  readonly reach?: Reach;
  /** What people do whom the server has called. */
  readonly callees?: Callees;
  readonly line?: LineConditions;
  readonly habits?: ExotelStreamHabits;
  /** The account's flows by id, for calls that are placed. */
  readonly flows?: Readonly<Record<string, ExotelFlow>>;
};

export type ExoPhone = {
  readonly from: string;
  readonly to: string;
  readonly flow: ExotelFlow;
  readonly statusCallback?: { readonly url: string; readonly form: ExotelForm };
};

/** A phase 1 that Exotel would not go on with; the flow goes to its next applet. */
export class ExotelRefused extends Error {
  override readonly name = 'ExotelRefused';
  readonly answer: WebhookAnswer;

  constructor(answer: WebhookAnswer, why: string) {
    super(`the flow's address answered ${answer.status}: ${why}`);
    this.answer = answer;
  }
}

const AS_ANSWERED: ExotelStreamHabits = { encoding: null, saysFormat: true };

type ExotelCalls = { readonly calls: Map<string, ExotelCall>; readonly placed: Arrivals<ExotelCall> };

/** A whole Exotel on loopback: an account, its REST interface, its flows and calls. */
export class ExotelCarrier implements AsyncDisposable {
  readonly account: ExotelAccount;
  readonly rest: RestServer;
  readonly #options: ExotelOptions;
  readonly #own: ExotelCalls;

  private constructor(options: ExotelOptions, account: ExotelAccount, rest: RestServer, own: ExotelCalls) {
    this.account = account;
    this.rest = rest;
    this.#options = options;
    this.#own = own;
  }

  static async start(options: ExotelOptions): Promise<ExotelCarrier> {
    const { reach = directly, callees = answersAtOnce, line = {}, habits = AS_ANSWERED, flows = {} } = options;
    const account = new ExotelAccount({ ...options, reach, callees, line });
    const own: ExotelCalls = { calls: new Map(), placed: new Arrivals() };
    const place = (call: ExotelCall, wanted: { readonly appId: string } | { readonly streamUrl: string }) => {
      own.calls.set(call.sid, call);
      own.placed.add(call);
      const begin = async () => {
        if ('streamUrl' in wanted) return call.stream({ url: wanted.streamUrl, encoding: 'linear' }, habits, {});
        const flow = flows[wanted.appId];
        if (!flow) return call.become('failed');
        return call.stream(await askFlow(call, account, flow), habits, flow);
      };
      void ring(call, account, begin);
    };
    const rest = await RestServer.listen(exotelRest({ account, calls: own.calls, place }));
    return new ExotelCarrier(options, account, rest, own);
  }

  /** http://127.0.0.1:port, in the place of https://api.exotel.com. */
  get url(): string {
    return this.rest.url;
  }

  get calls(): ReadonlyMap<string, ExotelCall> {
    return this.#own.calls;
  }

  /** Somebody calls an ExoPhone: its flow is asked where to stream. @throws ExotelRefused, Error without an answer. */
  async callIn({ from, to, flow, statusCallback }: ExoPhone): Promise<ExotelCall> {
    const callback = statusCallback ? { ...statusCallback, events: ['answered', 'terminal'] } : null;
    const order = { from, to, direction: 'incoming' as const, customField: null, statusCallback: callback };
    const call = new ExotelCall(order, this.account);
    this.#own.calls.set(call.sid, call);
    call.become('in-progress');
    try {
      const answer = await askFlow(call, this.account, flow);
      void call.stream(answer, this.#options.habits ?? AS_ANSWERED, flow);
    } catch (error) {
      call.become('failed');
      throw error;
    }
    return call;
  }

  /** The next call the server has placed. */
  nextPlaced(timeoutMs?: number): Promise<ExotelCall> {
    return this.#own.placed.next('a call to be placed', timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const calls = [...this.calls.values()];
    for (const call of calls) call.complete();
    await Promise.all(calls.map((call) => call.ended));
    await this.rest[Symbol.asyncDispose]();
  }
}

async function askFlow(call: ExotelCall, account: ExotelAccount, flow: ExotelFlow): Promise<ExotelStreamAnswer> {
  const isApplet = flow.applet === 'voicebot';
  // ExoML is fetched with the call's own few parameters, an applet sends its own beside them.
  const { CallSid = '', CallFrom = '', CallTo = '', Direction = '' } = call.fields();
  const fields = isApplet ? call.fields() : { CallSid, CallFrom, CallTo, Direction };
  const answer = await account.send(flow.url, fields, 'GET');
  if (answer.status !== 200) throw new ExotelRefused(answer, answer.body.slice(0, 200));
  try {
    return isApplet ? readAppletAnswer(answer.headers['content-type'] ?? '', answer.body) : readExoml(answer.body);
  } catch (error) {
    throw new ExotelRefused(answer, error instanceof Error ? error.message : String(error));
  }
}

async function ring(call: ExotelCall, account: ExotelAccount, begin: () => Promise<void>): Promise<void> {
  call.become('ringing');
  const { does, afterMs } = account.options.callees(call.order.from);
  await pause(afterMs);
  if (call.isOver) return;
  const refusals: Readonly<Record<string, ExotelStatus>> = {
    busy: 'busy',
    'no-answer': 'no-answer',
    fail: 'failed',
  };
  const refusal = refusals[does];
  if (refusal) {
    call.become(refusal);
    return;
  }
  call.become('in-progress');
  await begin().catch(() => call.become('failed'));
}
