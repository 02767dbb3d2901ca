import { AppError } from '@assistant/server/core/errors';
import type { Brain, BrainInput, BrainPart, BrainSession } from '@assistant/server/core/ports/brain';
import type { Clock } from '@assistant/server/core/ports/clock';
import { sleep } from './sleep.ts';

/** One thing a brain does: wait, give a part, fail, or hang until it is cancelled. */
export type BrainDeed =
  | BrainPart
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'fail' }
  | { readonly type: 'hang' };

/** Text as a brain's part. */
export function says(text: string): BrainPart {
  return { type: 'text', text };
}

export function waits(ms: number): BrainDeed {
  return { type: 'wait', ms };
}

/** Answers as the test tells it; remembers what it was asked and what it was told was heard. */
export class FakeBrain implements Brain {
  readonly name = 'fake';
  readonly inputs: BrainInput[] = [];
  readonly heard: { readonly text: string; readonly wasInterrupted: boolean }[] = [];
  openSessions = 0;
  readonly #clock: Clock;
  readonly #answer: (input: BrainInput, turn: number) => readonly BrainDeed[];

  constructor(clock: Clock, answer: (input: BrainInput, turn: number) => readonly BrainDeed[]) {
    this.#clock = clock;
    this.#answer = answer;
  }

  open(): BrainSession {
    this.openSessions++;
    return {
      respond: (input, signal) => this.#respond(input, signal),
      heard: (text, wasInterrupted) => void this.heard.push({ text, wasInterrupted }),
      close: () => {
        this.openSessions--;
      },
    };
  }

  async *#respond(input: BrainInput, signal: AbortSignal): AsyncIterable<BrainPart> {
    const turn = this.inputs.length;
    this.inputs.push(input);
    for (const deed of this.#answer(input, turn)) {
      if (deed.type === 'wait') await sleep(this.#clock, deed.ms, signal);
      else if (deed.type === 'hang') await sleep(this.#clock, 86_400_000, signal);
      else if (deed.type === 'fail') throw new AppError('provider_failed', { detail: 'scripted' });
      // Not checked against the signal: what comes after it must be dropped by whoever asked.
      else yield deed;
    }
  }
}
