import type { CallFigures } from './call-figures.ts';
import type { ClockFigures } from './frame-clock.ts';
import type { LegEnd } from './media-leg.ts';

export type Report = {
  readonly contextId: string;
  readonly phaseOneMs: number;
  readonly figures: CallFigures;
  readonly bargeInStopMs: number | null;
  readonly acts: readonly { readonly name: string; readonly atMs: number; readonly answeredAfterMs: number | null }[];
  readonly end: LegEnd | null;
  readonly lastedMs: number;
  readonly clock: ClockFigures;
};

/** The report as lines for a person. */
export function reportLines(report: Report): string[] {
  const { figures, clock } = report;
  const { intervals } = figures;
  const rows: [string, string][] = [
    ['call', `${report.contextId}, phase 1 took ${ms(report.phaseOneMs)}`],
    ['greeting delay', figures.greetingDelayMs === null ? 'nothing was heard' : ms(figures.greetingDelayMs)],
    ...report.acts.map(({ name, atMs, answeredAfterMs }): [string, string] => [
      name,
      `at ${ms(atMs)}, ${answeredAfterMs === null ? 'no answer' : `answered after ${ms(answeredAfterMs)}`}`,
    ]),
  ];
  if (report.bargeInStopMs !== null)
    rows.push(['barge-in', `the other side was silent after ${ms(report.bargeInStopMs)}`]);
  rows.push(
    ['heard', `${seconds(figures.heardMs)}, of it voice ${seconds(figures.voicedMs)}`],
    ['level', `voice ${figures.voiceDbfs.toFixed(1)} dBFS, peak ${figures.peakDbfs.toFixed(1)} dBFS`],
    ['frames', `every ${ms(intervals.p50Ms)} (p99 ${ms(intervals.p99Ms)}, longest ${ms(intervals.longestMs)})`],
    ['', `over 60 ms: ${intervals.gaps}, under 5 ms: ${intervals.bursts}`],
    ['own clock', `worst ${ms(clock.worstLateMs)} late, ${clock.skipped} of ${clock.ticks} frames left out`],
    ['ended', `after ${seconds(report.lastedMs)}: ${report.end ? `${report.end.by} ${report.end.how}` : 'still open'}`],
  );
  return rows.map(([name, text]) => `${name.padEnd(16)} ${text}`);
}

function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`;
}
