import type { Clock, Timer } from '../environment.ts';
import type { Action, StateTable } from './state-tables.ts';
import { T2_MS, TIMERS, type TimerName } from './timers.ts';

/** Every action but the timers', which the machine runs itself. */
export type Effects = Readonly<Record<Exclude<Action, `${'start' | 'again' | 'stop'} ${TimerName}`>, () => void>>;

export type MachineOptions<State extends string, Event extends string> = {
  readonly table: StateTable<State, Event>;
  readonly initial: State;
  readonly clock: Clock;
  readonly isReliable: boolean;
  readonly effects: Effects;
  /** Called once, on entering `terminated`. */
  readonly terminated: () => void;
};

/** Runs one state table: looks up, moves, acts. All the rules are in the table. */
export class Machine<State extends string, Event extends string> {
  readonly #options: MachineOptions<State, Event>;
  readonly #timers = new Map<TimerName, { timer: Timer; intervalMs: number }>();
  #state: State;
  #isFinished = false;

  constructor(options: MachineOptions<State, Event>) {
    this.#options = options;
    this.#state = options.initial;
  }

  get state(): State {
    return this.#state;
  }

  /** Takes an event; false where the state does not know it. */
  handle(event: Event): boolean {
    const step = this.#options.table[this.#state][event];
    if (!step) return false;
    const [next, ...actions] = step as readonly [State, ...Action[]];
    this.#state = next;
    for (const action of actions) this.#run(action);
    if (this.#state === 'terminated') this.#finish();
    return true;
  }

  /** Ends at once, without a word to anybody. */
  terminate(): void {
    this.#state = 'terminated' as State;
    this.#finish();
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#options.terminated();
  }

  #run(action: Action): void {
    const [verb, name] = action.split(' ') as [string, TimerName];
    if (verb === 'start') this.#start(name, this.#options.isReliable ? TIMERS[name].reliableMs : TIMERS[name].firstMs);
    else if (verb === 'again') this.#start(name, this.#nextInterval(name));
    else if (verb === 'stop') this.#stop(name);
    else this.#options.effects[action as keyof Effects]();
  }

  /** 17.1.2.2: once a provisional response came, E runs at T2. */
  #nextInterval(name: TimerName): number {
    if (name === 'E' && this.#state === 'proceeding') return T2_MS;
    return Math.min(2 * (this.#timers.get(name)?.intervalMs ?? TIMERS[name].firstMs), TIMERS[name].capMs ?? 0);
  }

  #start(name: TimerName, intervalMs: number | undefined): void {
    this.#stop(name);
    if (intervalMs === undefined) return;
    const timer = this.#options.clock.after(intervalMs, () => this.handle(`timer ${name}` as Event));
    this.#timers.set(name, { timer, intervalMs });
  }

  #stop(name: TimerName): void {
    this.#timers.get(name)?.timer.cancel();
    this.#timers.delete(name);
  }
}
