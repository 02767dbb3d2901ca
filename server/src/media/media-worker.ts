import { Worker } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import { openLibc } from '../native/libc.ts';
import { createDoorbellMemory } from './doorbell.ts';
import { COUNTER, createCounterMemory, type MediaCounters, readCounters } from './media-counters.ts';
import { type MediaArrival, MediaDesk } from './media-desk.ts';
import { MediaReport } from './media-report.ts';
import type { MediaThreadStart } from './media-thread-start.ts';
import type { ListenerNumber, MediaCommand, MediaNews, MediaTick } from './messages.ts';
import { type RtpOpening, type RtpSession, RtpSessions } from './rtp/rtp-session.ts';
import { closeLeftOpen, createOpenSocketsMemory } from './udp/open-sockets.ts';
import type { UdpChoice } from './udp/open-udp-io.ts';

export type AudioSocketListening = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** A peer has named its call; its first audio is kept until `media.listen`. `media.close()` refuses it. */
  readonly onArrival: (arrival: MediaArrival) => void;
};

/** An open AudioSocket port. Disposing ends its calls and frees the port. */
export interface AudioSocketListener extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as bound. */
  readonly address: string;
  /** Takes no new calls; live ones go on. */
  drain(): void;
}

/** The thread that owns the media sockets, seen from main. Disposing hangs up every call and ends the thread. */
export interface MediaWorker extends AsyncDisposable {
  /** @throws AppError not_configured when the address cannot be bound. */
  listenAudioSocket(listening: AudioSocketListening): Promise<AudioSocketListener>;
  /**
   * Takes a pair of ports for a call over RTP.
   * @throws AppError over_capacity when all pairs of the range are in use, not_configured when the address cannot be bound.
   */
  openRtp(opening: RtpOpening): Promise<RtpSession>;
  counters(): MediaCounters;
  /** Hands what was counted up to now to the metrics: a worker without calls says nothing by itself. */
  report(): void;
}

export type MediaWorkerOptions = {
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** How RTP is sent and received; `auto` unless given. */
  readonly udp?: UdpChoice;
  /** Starts the thread; a test may keep hold of it. */
  readonly spawn?: (start: MediaThreadStart) => Worker;
};

type Listening = AudioSocketListening & {
  boundPort: number;
  resolve: ((bound: { host: string; port: number }) => void) | null;
  reject: ((error: AppError) => void) | null;
  onClosed: (() => void) | null;
};

const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 5000;
/** A thread that lived so long has not died of its start. */
const STEADY_MS = 10_000;
const STOP_WITHIN_MS = 3000;
/** A thread that died holds nothing any more. */
const GAUGES = [COUNTER.activeCalls, COUNTER.unnamedSockets, COUNTER.framesInUse, COUNTER.rtpPorts];
/** Old generation limit: the heap holds no audio, so a leak shows here before it hurts the process. */
const HEAP_MB = 256;
/** Of what Node allocates a frame: `bench pacing` at 1000 calls saw 55 KB a call with 8 MB, 63-69 with 16, and no more CPU. */
const YOUNG_HEAP_MB = 8;

/** Starts the media worker. A thread that dies ends its calls as `failed`, and a new one takes over its ports. */
export function startMediaWorker(options: MediaWorkerOptions): MediaWorker {
  return new MediaWorkerHandle(options);
}

class MediaWorkerHandle implements MediaWorker {
  readonly #options: MediaWorkerOptions;
  readonly #counters = createCounterMemory();
  readonly #openSockets = createOpenSocketsMemory();
  readonly #listeners = new Map<ListenerNumber, Listening>();
  readonly #report: MediaReport;
  readonly #rtp: RtpSessions;
  #nextListener: ListenerNumber = 1;
  #thread: Worker;
  #desk: MediaDesk;
  #commands: MediaCommand[] = [];
  #startedMs = 0;
  #restartMs = FIRST_RESTART_MS;
  #restartTimer: Timer | null = null;
  #isStopping = false;
  #onExit: (() => void) | null = null;
  #lateVerbs = 0;
  #restarts = 0;
  /** Of threads that died. */
  #droppedIn = 0;

  constructor(options: MediaWorkerOptions) {
    this.#options = options;
    this.#report = new MediaReport(options.metrics, options.clock);
    this.#rtp = new RtpSessions({ send: (command) => this.#send(command), desk: () => this.#desk, log: options.log });
    [this.#thread, this.#desk] = this.#start();
  }

  counters(): MediaCounters {
    return {
      ...readCounters(this.#counters),
      samplesDroppedIn: this.#droppedIn + this.#desk.samplesDroppedIn,
      lateVerbs: this.#lateVerbs,
      restarts: this.#restarts,
    };
  }

  async listenAudioSocket(listening: AudioSocketListening): Promise<AudioSocketListener> {
    if (this.#isStopping) throw new AppError('draining', { detail: 'the media worker is stopping' });
    const listener = this.#nextListener++;
    const bound = await new Promise<{ host: string; port: number }>((resolve, reject) => {
      this.#listeners.set(listener, { ...listening, boundPort: listening.port, resolve, reject, onClosed: null });
      this.#send({ type: 'listen', listener, host: listening.host, port: listening.port });
    });
    return {
      ...bound,
      address: bound.host.includes(':') ? `[${bound.host}]:${bound.port}` : `${bound.host}:${bound.port}`,
      drain: () => this.#send({ type: 'drain', listener }),
      [Symbol.asyncDispose]: () => this.#unlisten(listener),
    };
  }

  async openRtp(opening: RtpOpening): Promise<RtpSession> {
    if (this.#isStopping) throw new AppError('draining', { detail: 'the media worker is stopping' });
    if (this.#restartTimer !== null)
      throw new AppError('over_capacity', { detail: 'the media worker is starting anew' });
    return await this.#rtp.open(opening);
  }

  report(): void {
    this.#report.publish(true, () => this.counters());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#restartTimer?.cancel();
    if (this.#restartTimer !== null) return;
    const thread = this.#thread;
    const exited = new Promise<void>((resolve) => {
      this.#onExit = resolve;
    });
    this.#send({ type: 'stop' });
    const giveUp = this.#options.clock.after(STOP_WITHIN_MS, () => void thread.terminate());
    await exited;
    giveUp.cancel();
  }

  #start(): [Worker, MediaDesk] {
    const { clock, log, udp = 'auto', spawn = spawnMediaThread } = this.#options;
    const memory = { counters: this.#counters, doorbell: createDoorbellMemory() };
    const thread = spawn({ memory, udp, openSockets: this.#openSockets });
    const desk = new MediaDesk({
      clock,
      log,
      doorbell: memory.doorbell,
      send: (command) => this.#send(command),
      countLateVerb: () => {
        this.#lateVerbs++;
      },
      onArrival: (listener, arrival) => this.#arrived(listener, arrival),
    });
    this.#startedMs = clock.nowMs();
    let cause: unknown;
    thread.on('message', (tick: MediaTick) => {
      for (const news of tick.news) this.#hear(news);
      desk.receive(tick);
      this.#report.publish(this.#counters[COUNTER.activeCalls] === 0, () => this.counters());
    });
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', (code) => this.#died(code, cause));
    return [thread, desk];
  }

  #arrived(listener: ListenerNumber, arrival: MediaArrival): void {
    const listening = this.#listeners.get(listener);
    if (listening === undefined || this.#isStopping) arrival.media.close();
    else listening.onArrival(arrival);
  }

  /** Commands of one turn go in one message. */
  #send(command: MediaCommand): void {
    this.#commands.push(command);
    if (this.#commands.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const commands = this.#commands;
    this.#commands = [];
    if (this.#restartTimer === null) this.#thread.postMessage(commands);
  }

  #hear(news: MediaNews): void {
    if (news.type === 'listening') this.#listening(news.listener, { host: news.host, port: news.port });
    else if (news.type === 'listen_failed') this.#listenFailed(news.listener, news.code);
    else if (news.type === 'unlistened') this.#listeners.get(news.listener)?.onClosed?.();
    else if (news.type === 'udp_opened') this.#udpOpened(news);
    else this.#rtp.hear(news);
  }

  #udpOpened({ kind, objection }: Extract<MediaNews, { type: 'udp_opened' }>): void {
    const { log, udp } = this.#options;
    if (objection !== null && udp === 'native') log.warn('media.udp_not_native', { kind, objection });
    else log.debug('media.udp', { kind, objection });
  }

  #listening(listener: ListenerNumber, bound: { host: string; port: number }): void {
    const listening = this.#listeners.get(listener);
    if (listening === undefined) return;
    listening.boundPort = bound.port;
    listening.resolve?.(bound);
    listening.resolve = null;
    listening.reject = null;
    this.#options.log.info('media.listening', { protocol: 'audiosocket', host: bound.host, port: bound.port });
  }

  #listenFailed(listener: ListenerNumber, code: string): void {
    const listening = this.#listeners.get(listener);
    if (listening === undefined) return;
    const detail = `AudioSocket cannot listen on ${listening.host} port ${listening.boundPort} (${code}): set AUDIOSOCKET__HOST or AUDIOSOCKET__PORT`;
    if (listening.reject !== null) {
      this.#listeners.delete(listener);
      listening.reject(new AppError('not_configured', { detail }));
      return;
    }
    this.#options.log.error('media.listen_failed', { detail });
    this.#options.clock.after(LAST_RESTART_MS, () => this.#listenAgain(listener));
  }

  #listenAgain(listener: ListenerNumber): void {
    const listening = this.#listeners.get(listener);
    if (listening === undefined || this.#isStopping) return;
    this.#send({ type: 'listen', listener, host: listening.host, port: listening.boundPort });
  }

  async #unlisten(listener: ListenerNumber): Promise<void> {
    const listening = this.#listeners.get(listener);
    if (listening === undefined || this.#isStopping || this.#restartTimer !== null) {
      this.#listeners.delete(listener);
      return;
    }
    await new Promise<void>((resolve) => {
      listening.onClosed = resolve;
      this.#send({ type: 'unlisten', listener });
    });
    this.#listeners.delete(listener);
  }

  #died(code: number, cause: unknown): void {
    const detail = 'the media worker died';
    this.#desk.failAll(detail);
    this.#rtp.failAll(detail);
    for (const gauge of GAUGES) this.#counters[gauge] = 0;
    closeLeftOpen(this.#openSockets, openLibc);
    for (const listening of this.#listeners.values()) listening.onClosed?.();
    this.#onExit?.();
    if (this.#isStopping) return;
    const livedMs = this.#options.clock.nowMs() - this.#startedMs;
    if (livedMs >= STEADY_MS) this.#restartMs = FIRST_RESTART_MS;
    this.#options.log.error('media.worker_died', { code, restartInMs: this.#restartMs }, cause);
    this.#droppedIn += this.#desk.samplesDroppedIn;
    this.#restarts++;
    this.#restartTimer = this.#options.clock.after(this.#restartMs, () => this.#restart());
    this.#restartMs = Math.min(this.#restartMs * 2, LAST_RESTART_MS);
  }

  #restart(): void {
    this.#restartTimer = null;
    [this.#thread, this.#desk] = this.#start();
    for (const listener of this.#listeners.keys()) this.#listenAgain(listener);
  }
}

/** The thread as it is started unless the options say otherwise. */
export function spawnMediaThread(start: MediaThreadStart): Worker {
  return new Worker(new URL('./media-thread.ts', import.meta.url), {
    name: 'media',
    workerData: start,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
  });
}
