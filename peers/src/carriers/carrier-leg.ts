import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import type { LegEnd, LegEvents, MediaLeg } from '../phone/media-leg.ts';
import { CarrierPlayout } from './carrier-playout.ts';
import { DelayLine, type NetworkDelay, NO_DELAY } from './delay-line.ts';
import type { Reach } from './reach.ts';
import type { StreamDialect, StreamText } from './stream-dialect.ts';

/** What a carrier may do with marks besides giving each back once, when its audio has sounded. */
export type MarkHabits = {
  readonly echoes: 'once' | 'twice' | 'never';
  /** Held back so long. */
  readonly lateMs: number;
  /** Marks whose audio was cleared come back all the same, so long after the clear; null: as the carrier's documents say. */
  readonly afterClearMs: number | null;
};

export const PROMPT_MARKS: MarkHabits = { echoes: 'once', lateMs: 0, afterClearMs: null };

export type LineConditions = {
  readonly toServer?: NetworkDelay;
  readonly toCarrier?: NetworkDelay;
  readonly marks?: MarkHabits;
};

export type CarrierLegOptions = LineConditions & {
  readonly url: string;
  readonly reach: Reach;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
};

const CONNECT_TIMEOUT_MS = 5_000;

/** A message of the server as it reached this machine, before the delay of the network. */
export type RawArrival = { readonly message: StreamText; readonly atMs: number };

/**
 * A call's audio between a carrier and the server: the carrier's end of the WebSocket, with its media clock, its buffer and its
 * rules. What a carrier would refuse ends the call as a fault. `playout` is the truth about what the listener heard.
 */
export class CarrierLeg implements MediaLeg {
  readonly sampleRate: number;
  readonly ended: Promise<LegEnd>;
  /** Where the server wants the audio. */
  readonly url: string;
  /** Told of each message at once, before the network's delay. */
  onArrival: ((arrival: RawArrival) => void) | undefined;
  readonly #dialect: StreamDialect;
  readonly #options: CarrierLegOptions;
  readonly #marks: MarkHabits;
  readonly #end = Promise.withResolvers<LegEnd>();
  readonly #out: DelayLine<StreamText | 'close' | 'cut'>;
  readonly #in: DelayLine<StreamText | { readonly closed: number }>;
  #playout: CarrierPlayout | undefined;
  #socket: WebSocket | undefined;
  #events: LegEvents | undefined;
  #isOver = false;

  constructor(dialect: StreamDialect, options: CarrierLegOptions) {
    this.sampleRate = dialect.sampleRate;
    this.ended = this.#end.promise;
    this.url = options.url;
    this.#dialect = dialect;
    this.#options = options;
    this.#marks = options.marks ?? PROMPT_MARKS;
    this.#out = new DelayLine(options.toServer ?? NO_DELAY, (item) => this.#write(item));
    this.#in = new DelayLine(options.toCarrier ?? NO_DELAY, (item) => this.#take(item));
  }

  /** What was played out to the listener, and when. @throws Error before the line was opened. */
  get playout(): CarrierPlayout {
    if (!this.#playout) throw new Error('the line is not open yet');
    return this.#playout;
  }

  async open(events: LegEvents): Promise<void> {
    const { url, reach, headers, protocols = [] } = this.#options;
    const { address, host } = reach(url);
    const socket = new WebSocket(address, [...protocols], {
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      headers: { host, ...headers },
    });
    this.#socket = socket;
    // Messages may come in the same packet as the handshake's answer.
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      this.#arrive(isBinary ? Buffer.from(data) : String(data)),
    );
    socket.on('close', (code) => this.#in.send({ closed: code }));
    this.#events = events;
    const { sampleRate, mostMessages, clearReturnsMarks } = this.#dialect;
    this.#playout = new CarrierPlayout({ sampleRate, mostMessages, clearReturnsMarks }, performance.now(), {
      playing: (samples, atMs) => this.#events?.audio(samples, atMs),
      mark: (name, isCleared) => this.#echo(name, isCleared),
    });
    try {
      await connected(socket, url);
    } catch (error) {
      this.#finish({ by: 'fault', how: 'the handshake was refused' });
      throw error;
    }
    for (const message of this.#dialect.opening()) this.#out.send(message);
  }

  sendAudio(samples: Int16Array): void {
    this.#playout?.advanceTo(performance.now());
    for (const message of this.#dialect.audio(samples)) this.#out.send(message);
  }

  /** The tone itself is taken out of the audio: silence while the key is down. */
  sendKey(key: string, _tick: number, isLast: boolean): void {
    this.sendAudio(new Int16Array(this.sampleRate / 50));
    if (isLast) for (const message of this.#dialect.key(key)) this.#out.send(message);
  }

  hangUp(): void {
    if (this.#isOver) return;
    for (const message of this.#dialect.goodbye()) this.#out.send(message);
    this.#out.send('close');
    this.#finish({ by: 'us', how: 'hung up' });
  }

  abort(): void {
    this.#out.send('cut');
    this.#finish({ by: 'us', how: 'reset the connection' });
  }

  /** Says something of the test's own, as the carrier would. */
  say(message: StreamText): void {
    this.#out.send(message);
  }

  #arrive(message: StreamText): void {
    this.onArrival?.({ message, atMs: performance.now() });
    this.#in.send(message);
  }

  #take(item: StreamText | { readonly closed: number }): void {
    if (typeof item !== 'string' && !Buffer.isBuffer(item)) {
      this.#finish({ by: 'far end', how: `closed the connection with ${item.closed}` });
      return;
    }
    if (this.#isOver) return;
    const playout = this.playout;
    const nowMs = performance.now();
    const command = this.#dialect.read(item);
    switch (command.type) {
      case 'audio': {
        const trouble = playout.push(command.samples, nowMs);
        if (trouble) this.#fault(trouble);
        return;
      }
      case 'mark':
        playout.mark(command.name, nowMs);
        return;
      case 'clear':
        this.#clear(nowMs);
        return;
      case 'fault':
        this.#fault(command.how);
        return;
    }
  }

  #clear(nowMs: number): void {
    const { playout } = this;
    playout.advanceTo(nowMs);
    const { afterClearMs } = this.#marks;
    const cleared = afterClearMs === null ? [] : playout.waitingMarks;
    playout.clear(nowMs);
    for (const message of this.#dialect.cleared()) this.#out.send(message);
    if (afterClearMs !== null && !this.#dialect.clearReturnsMarks) {
      setTimeout(() => {
        for (const name of cleared) this.#sendMark(name);
      }, afterClearMs).unref();
    }
  }

  #echo(name: string, isCleared: boolean): void {
    const { echoes, lateMs, afterClearMs } = this.#marks;
    if (echoes === 'never') return;
    const waitMs = isCleared && afterClearMs !== null ? afterClearMs : lateMs;
    const send = () => {
      for (let times = echoes === 'twice' ? 2 : 1; times > 0; times--) this.#sendMark(name);
    };
    if (waitMs === 0) send();
    else setTimeout(send, waitMs).unref();
  }

  #sendMark(name: string): void {
    if (!this.#isOver) for (const message of this.#dialect.mark(name)) this.#out.send(message);
  }

  #write(item: StreamText | 'close' | 'cut'): void {
    const socket = this.#socket;
    if (item === 'cut') socket?.terminate();
    else if (item === 'close') socket?.close(1000);
    else if (socket?.readyState === WebSocket.OPEN) socket.send(item);
  }

  #fault(how: string): void {
    this.#finish({ by: 'fault', how });
    this.#socket?.terminate();
  }

  #finish(end: LegEnd): void {
    if (this.#isOver) return;
    this.#playout?.advanceTo(performance.now());
    this.#isOver = true;
    const events = this.#events;
    this.#events = undefined;
    events?.closed(end);
    this.#end.resolve(end);
  }
}

async function connected(socket: WebSocket, url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('open', resolve);
  socket.on('error', (error) => reject(new Error(`no stream at ${url.replace(/\?.*/, '')}: ${error.message}`)));
  await promise;
}
