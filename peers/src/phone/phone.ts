import { performance } from 'node:perf_hooks';
import { type ClockFigures, FrameClock } from './frame-clock.ts';
import { HeardAudio, isVoice } from './heard-audio.ts';
import type { LegEnd, MediaLeg } from './media-leg.ts';
import { type LiveSound, OutgoingAudio } from './outgoing-audio.ts';

const TICK_MS = 20;
const DEFAULT_TIMEOUT_MS = 15_000;

/** Something the phone did, for the report. */
export type PhoneAct = { readonly name: string; readonly startedAtMs: number; readonly endedAtMs: number };

/** Thrown by a wait when the call ended or the time was up. */
export class PhoneGaveUp extends Error {
  override readonly name = 'PhoneGaveUp';
}

type Waiter = {
  readonly isMet: (now: number) => boolean;
  readonly resolve: () => void;
  readonly reject: (e: Error) => void;
  readonly deadline: number;
  readonly what: string;
};

/**
 * A telephone in one call: sends 20 ms of audio every 20 ms from the moment the line is open, silence when it has nothing to
 * say, and keeps all it hears. Scripts are plain async code: `await phone.heardVoice(); await phone.say('…', sound)`.
 */
export class Phone implements AsyncDisposable {
  readonly heard: HeardAudio;
  readonly acts: PhoneAct[] = [];
  /** Resolves once the call is over, whoever ended it. */
  readonly ended: Promise<LegEnd>;
  readonly #leg: MediaLeg;
  readonly #outgoing: OutgoingAudio;
  readonly #waiters = new Set<Waiter>();
  readonly #end = Promise.withResolvers<LegEnd>();
  #clock: FrameClock | undefined;
  #endedBy: LegEnd | undefined;
  #voicedMs = 0;
  #lastVoiceAtMs = Number.NEGATIVE_INFINITY;
  #openedAtMs = 0;
  #endedAtMs: number | undefined;

  private constructor(leg: MediaLeg) {
    this.#leg = leg;
    this.heard = new HeardAudio(leg.sampleRate);
    this.#outgoing = new OutgoingAudio((leg.sampleRate * TICK_MS) / 1000);
    this.ended = this.#end.promise;
  }

  /** Opens the line and starts the clock. @throws Error when the far end cannot be reached. */
  static async open(leg: MediaLeg): Promise<Phone> {
    const phone = new Phone(leg);
    await leg.open({
      audio: (samples, atMs) => phone.#hear(samples, atMs),
      closed: (end) => phone.#close(end),
    });
    phone.#openedAtMs = performance.now();
    phone.#clock = new FrameClock((atMs) => phone.#tick(atMs));
    if (phone.#endedBy) phone.#clock.stop();
    return phone;
  }

  /** performance.now() when the line stood. */
  get openedAtMs(): number {
    return this.#openedAtMs;
  }

  get sampleRate(): number {
    return this.#leg.sampleRate;
  }

  get endedBy(): LegEnd | undefined {
    return this.#endedBy;
  }

  get endedAtMs(): number | undefined {
    return this.#endedAtMs;
  }

  get clock(): ClockFigures {
    return this.#clock?.figures ?? { ticks: 0, skipped: 0, worstLateMs: 0 };
  }

  /** Speaks samples of the line's rate; resolves with when the first one was sent, once the last one was. */
  async say(name: string, samples: Int16Array): Promise<PhoneAct> {
    return this.#act(name, this.#outgoing.say(samples));
  }

  /** Speaks what is made while it is sent, e.g. the echo of what is heard. */
  async stream(name: string, next: LiveSound): Promise<PhoneAct> {
    return this.#act(name, this.#outgoing.stream(next));
  }

  /** Presses keys one after the other. */
  async press(keys: string): Promise<PhoneAct> {
    const presses = [...keys].map((key) => this.#outgoing.press(key));
    return this.#act(
      `keys ${keys}`,
      Promise.all(presses).then((starts) => starts[0] ?? performance.now()),
    );
  }

  /** Waits until the far side has spoken for `ms` in all, counted from now. */
  async heardVoice(ms = 60, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const goal = this.#voicedMs + ms;
    await this.#wait(`${ms} ms of voice`, timeoutMs, () => this.#voicedMs >= goal);
  }

  /** Waits until the far side has been quiet for `ms`, on the clock. */
  async heardQuiet(ms = 1_000, timeoutMs = 60_000): Promise<void> {
    const from = performance.now();
    await this.#wait(`${ms} ms of quiet`, timeoutMs, (now) => now - Math.max(from, this.#lastVoiceAtMs) >= ms);
  }

  /** Waits for the far side to speak and to finish. */
  async heardOut(quietMs = 1_000, timeoutMs = 60_000): Promise<void> {
    await this.heardVoice(60, timeoutMs);
    await this.heardQuiet(quietMs, timeoutMs);
  }

  /** Lets time go by, silence being sent. */
  async stay(ms: number): Promise<void> {
    const until = performance.now() + ms;
    await this.#wait(`${ms} ms`, ms + DEFAULT_TIMEOUT_MS, (now) => now >= until);
  }

  /** Waits until the far side ends the call. */
  async heardHangUp(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<LegEnd> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    const timedOut = new Promise<never>((_, reject) =>
      late.signal.addEventListener('abort', () => reject(new PhoneGaveUp(`no hang-up within ${timeoutMs} ms`))),
    );
    try {
      return await Promise.race([this.ended, timedOut]);
    } finally {
      clearTimeout(timer);
    }
  }

  hangUp(): void {
    this.#leg.hangUp();
  }

  /** Ends as a crash does. */
  abort(): void {
    this.#leg.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await this.ended;
  }

  async #act(name: string, started: Promise<number>): Promise<PhoneAct> {
    const over = this.ended.then((end): never => {
      throw new PhoneGaveUp(`the call ended (${end.by} ${end.how}) before "${name}" was out`);
    });
    const startedAtMs = await Promise.race([started, over]);
    const act = { name, startedAtMs, endedAtMs: performance.now() };
    this.acts.push(act);
    return act;
  }

  #wait(what: string, timeoutMs: number, isMet: (now: number) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#endedBy) return reject(gaveUp(what, this.#endedBy));
      this.#waiters.add({ what, isMet, resolve, reject, deadline: performance.now() + timeoutMs });
    });
  }

  #tick(atMs: number): void {
    this.#outgoing.sendTick(this.#leg, atMs);
    this.#settle(atMs);
  }

  #hear(samples: Int16Array, atMs: number): void {
    const frame = this.heard.add(samples, atMs);
    if (!isVoice(frame)) return;
    this.#voicedMs += (samples.length * 1000) / this.sampleRate;
    this.#lastVoiceAtMs = atMs;
    this.#settle(atMs);
  }

  #settle(now: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.isMet(now)) waiter.resolve();
      else if (now >= waiter.deadline) waiter.reject(new PhoneGaveUp(`no ${waiter.what} before the time was up`));
      else continue;
      this.#waiters.delete(waiter);
    }
  }

  #close(end: LegEnd): void {
    this.#endedBy = end;
    this.#endedAtMs = performance.now();
    this.#clock?.stop();
    for (const waiter of this.#waiters) waiter.reject(gaveUp(waiter.what, end));
    this.#waiters.clear();
    this.#end.resolve(end);
  }
}

function gaveUp(what: string, end: LegEnd): PhoneGaveUp {
  return new PhoneGaveUp(`the call ended (${end.by} ${end.how}) while waiting for ${what}`);
}
