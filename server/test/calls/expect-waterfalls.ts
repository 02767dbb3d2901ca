import type { CallTurn, TurnWaterfall } from '@assistant/server/core/call/call-record';
import { expect } from 'vitest';

/** Each assistant turn reached its stages in order, the last one among them, so the parts between them sum to the whole. */
export function expectSoundWaterfalls(turns: readonly CallTurn[]): void {
  for (const { role, waterfall, startedAtMs, endedAtMs } of turns) {
    expect(startedAtMs).toBeLessThanOrEqual(endedAtMs);
    if (role === 'caller') expect(waterfall).toBeNull();
    if (waterfall === null) continue;
    const reached = stagesOf(waterfall);
    expect(reached).toEqual(reached.toSorted((a, b) => a - b));
    expect(reached[0]).toBeGreaterThanOrEqual(0);
    const parts = reached.map((atMs, index) => atMs - (reached[index - 1] ?? 0));
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(waterfall.firstFramePlayedMs);
  }
}

function stagesOf(waterfall: TurnWaterfall): number[] {
  return [
    waterfall.endpointMs,
    waterfall.sttFinalMs,
    waterfall.firstTokenMs,
    waterfall.firstSentenceMs,
    waterfall.firstTtsByteMs,
    waterfall.firstFrameSentMs,
    waterfall.firstFramePlayedMs,
  ].filter((atMs) => atMs !== null);
}
