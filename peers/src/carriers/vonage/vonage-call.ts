import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { LegEnd } from '../../phone/media-leg.ts';
import { Arrivals } from '../arrivals.ts';
import { CarrierLeg } from '../carrier-leg.ts';
import { VonageSocket } from './audio-socket.ts';
import { type NccoAction, readNcco } from './ncco.ts';
import type { VonageApplication } from './vonage-application.ts';

export type VonageStatus =
  | 'started'
  | 'ringing'
  | 'answered'
  | 'completed'
  | 'busy'
  | 'unanswered'
  | 'cancelled'
  | 'rejected'
  | 'failed';

export type VonageCallOrder = {
  /** Digits without +. */
  readonly from: string;
  readonly to: string;
  readonly direction: 'inbound' | 'outbound';
  readonly event: { readonly url: string; readonly method: 'GET' | 'POST' } | null;
};

const OVER: readonly VonageStatus[] = ['completed', 'busy', 'unanswered', 'cancelled', 'rejected', 'failed'];

/** One call at Vonage: follows its NCCOs action by action, tells its progress, obeys updates over REST. */
export class VonageCall {
  readonly uuid = randomUUID();
  readonly conversationUuid = `CON-${randomUUID()}`;
  readonly createdAt = new Date();
  readonly order: VonageCallOrder;
  readonly actions: NccoAction[] = [];
  /** What went wrong with an NCCO or a socket. */
  readonly troubles: string[] = [];
  readonly ended: Promise<VonageStatus>;
  status: VonageStatus = 'started';
  readonly #application: VonageApplication;
  readonly #legs = new Arrivals<CarrierLeg>();
  readonly #end = Promise.withResolvers<VonageStatus>();
  #leg: CarrierLeg | null = null;
  #document = 0;
  #events: Promise<unknown> = Promise.resolve();

  constructor(order: VonageCallOrder, application: VonageApplication) {
    this.order = order;
    this.ended = this.#end.promise;
    this.#application = application;
  }

  get isOver(): boolean {
    return OVER.includes(this.status);
  }

  /** The line of the next WebSocket endpoint, for a phone to open. */
  nextLeg(timeoutMs?: number): Promise<CarrierLeg> {
    return this.#legs.next('a WebSocket endpoint', timeoutMs);
  }

  /** What the answer webhook is sent with. */
  fields(): Record<string, string> {
    const { from, to } = this.order;
    return {
      from,
      to,
      uuid: this.uuid,
      conversation_uuid: this.conversationUuid,
      region_url: 'https://api-eu-3.vonage.com',
    };
  }

  /** Moves the call on and tells it. */
  become(status: VonageStatus, more: Readonly<Record<string, unknown>> = {}): void {
    if (this.isOver) return;
    this.status = status;
    const tail = status === 'completed' ? this.#bill() : {};
    void this.#tell({ status, ...tail, ...more });
    if (this.isOver) void this.#events.then(() => this.#end.resolve(status));
  }

  /** Follows an NCCO until it is done; the call is over then. */
  async follow(ncco: unknown): Promise<void> {
    const document = ++this.#document;
    try {
      for (const action of readNcco(ncco)) {
        if (document !== this.#document || this.isOver) return;
        this.actions.push(action);
        const isGone = action.type === 'websocket' && (await this.#connect(action, document)) === 'caller left';
        if (isGone) break;
        if (action.type === 'phone' && (await this.#ring(action, document)) === 'replaced') return;
      }
    } catch (error) {
      this.troubles.push(error instanceof Error ? error.message : String(error));
    }
    if (document === this.#document) this.become('completed');
  }

  /** PUT with action transfer: the socket closes, and the new NCCO is followed. */
  replace(ncco: unknown): void {
    this.#document++;
    this.#leg?.hangUp();
    void this.follow(ncco);
  }

  /** Ends it, whoever wants it. */
  complete(): void {
    this.#document++;
    this.#leg?.hangUp();
    this.become(this.status === 'answered' ? 'completed' : 'cancelled');
  }

  async #connect(action: Extract<NccoAction, { type: 'websocket' }>, document: number): Promise<string> {
    const { reach, line } = this.#application.options;
    const dialect = new VonageSocket(action.sampleRate, action.headers);
    const token = action.hasAuthorization ? this.#application.token('') : null;
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const leg = new CarrierLeg(dialect, { ...line, url: action.uri, reach, headers });
    this.#leg = leg;
    this.#legs.add(leg);
    const end: LegEnd = await leg.ended;
    this.#leg = null;
    if (end.by === 'us') return 'caller left';
    if (end.by === 'fault') this.troubles.push(end.how);
    // Our side dropped the socket: an NCCO in the answer to that event is followed.
    const next = await this.#tell({ status: 'disconnected' });
    if (next && document === this.#document) await this.follow(next);
    return 'server left';
  }

  async #ring(action: Extract<NccoAction, { type: 'phone' }>, document: number): Promise<'replaced' | 'over'> {
    const callee = this.#application.options.callees(action.number);
    await pause(callee.afterMs);
    const status = { answer: 'answered', busy: 'busy', 'no-answer': 'timeout', fail: 'failed' }[callee.does];
    const next = await this.#tell({ status, to: action.number, uuid: randomUUID() }, action.eventUrl);
    if (callee.does === 'answer') await pause(callee.talksMs ?? 0);
    if (!next || document !== this.#document) return 'over';
    await this.follow(next);
    return 'replaced';
  }

  #bill(): Readonly<Record<string, unknown>> {
    const seconds = Math.round((Date.now() - this.createdAt.getTime()) / 1000);
    return {
      start_time: this.createdAt.toISOString(),
      end_time: new Date().toISOString(),
      duration: String(seconds),
      rate: '0.01',
      price: '0.01',
      network: 'US-FIXED',
    };
  }

  /** Sends an event behind those before it; resolves with the NCCO of its answer, if there is one. */
  #tell(fields: Readonly<Record<string, unknown>>, url = this.order.event?.url ?? null): Promise<unknown> {
    const event = {
      from: this.order.from,
      to: this.order.to,
      uuid: this.uuid,
      conversation_uuid: this.conversationUuid,
      direction: this.order.direction,
      timestamp: new Date().toISOString(),
      ...fields,
    };
    const told = this.#events.then(async () => {
      if (url === null) return null;
      const answer = await this.#application.send(this.order.event?.method ?? 'POST', url, event).catch(() => null);
      return answer?.status === 200 ? readArray(answer.body) : null;
    });
    this.#events = told;
    return told;
  }
}

function readArray(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.length > 0 ? value : null;
  } catch {
    return null;
  }
}
