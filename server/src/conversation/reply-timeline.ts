import type { TurnWaterfall } from '../core/call/call-record.ts';

/** The stages of an assistant's turn, in the order in which they can be reached. */
const STAGES = [
  'endpointMs',
  'sttFinalMs',
  'firstTokenMs',
  'firstSentenceMs',
  'firstTtsByteMs',
  'firstFrameSentMs',
  'firstFramePlayedMs',
] as const satisfies readonly (keyof TurnWaterfall)[];

export type Stage = (typeof STAGES)[number];

/**
 * When the stages of one assistant's turn were first reached, counted from the end of the caller's speech. Kept monotone:
 * a stage is never earlier than one before it, so the differences sum to the whole.
 */
export class ReplyTimeline {
  readonly #baseMs: number;
  readonly #reached = new Map<Stage, number>();

  /** @param baseMs clock time of the caller's last voice or key; for the greeting the start of the conversation. */
  constructor(baseMs: number) {
    this.#baseMs = baseMs;
  }

  /** Notes that a stage is reached; only the first time counts. */
  reach(stage: Stage, clockMs: number): void {
    if (this.#reached.has(stage)) return;
    const floorMs = STAGES.slice(0, STAGES.indexOf(stage)).reduce(
      (latest, earlier) => Math.max(latest, this.#reached.get(earlier) ?? 0),
      0,
    );
    this.#reached.set(stage, Math.max(floorMs, Math.round(clockMs - this.#baseMs)));
  }

  waterfall(): TurnWaterfall {
    const at = (stage: Stage) => this.#reached.get(stage) ?? null;
    return {
      endpointMs: at('endpointMs'),
      sttFinalMs: at('sttFinalMs'),
      firstTokenMs: at('firstTokenMs'),
      firstSentenceMs: at('firstSentenceMs'),
      firstTtsByteMs: at('firstTtsByteMs'),
      firstFrameSentMs: at('firstFrameSentMs'),
      firstFramePlayedMs: at('firstFramePlayedMs'),
    };
  }
}
