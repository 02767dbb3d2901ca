import { percentiles } from './percentiles.ts';

/** What the callers' side saw. */
export type LoadReport = {
  readonly frames: number;
  /** Lateness of each frame against a 20 ms grid through its call's earliest frame. */
  readonly lateMs: ReturnType<typeof percentiles>;
  /** |time since the frame before - 20 ms|. */
  readonly gapMs: ReturnType<typeof percentiles>;
  readonly cpuPercent: number;
};

const FRAME_MS = 20;

/** When the frames of one call came, by the clock of this process. */
export class Arrivals {
  readonly #times: Float64Array;
  #count = 0;

  constructor(seconds: number) {
    this.#times = new Float64Array(Math.ceil((seconds * 1000) / FRAME_MS) + 50);
  }

  note(): void {
    if (this.#count < this.#times.length) this.#times[this.#count++] = performance.now();
  }

  /** Each frame's place against a 20 ms grid. */
  get offsets(): Float64Array {
    return this.#times.subarray(0, this.#count).map((at, index) => at - index * FRAME_MS);
  }
}

/** Sums all calls up. */
export function loadReport(calls: readonly Arrivals[], used: { cpu: NodeJS.CpuUsage; seconds: number }): LoadReport {
  const late: number[] = [];
  const gaps: number[] = [];
  for (const { offsets } of calls) {
    const earliest = offsets.reduce((least, offset) => Math.min(least, offset), Number.POSITIVE_INFINITY);
    for (const [index, offset] of offsets.entries()) {
      late.push(offset - earliest);
      if (index > 0) gaps.push(Math.abs(offset - (offsets[index - 1] ?? 0)));
    }
  }
  return {
    frames: late.length,
    lateMs: percentiles(Float64Array.from(late)),
    gapMs: percentiles(Float64Array.from(gaps)),
    cpuPercent: Math.round((used.cpu.user + used.cpu.system) / used.seconds / 10_000),
  };
}
