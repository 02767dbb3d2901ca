import type { EventLog } from '../core/ports/event-log.ts';

/** Business events of the process itself; those of calls are told by the rooms that make them. */

export function configWarned(log: EventLog, warnings: readonly string[]): void {
  for (const warning of warnings) log.warn('config.warning', { warning });
}

/** Addresses are host:port as really bound. */
export function serverStarted(
  log: EventLog,
  facts: {
    readonly nodeId: string;
    readonly http: string;
    readonly audioSocket: string;
    readonly sip: string;
    readonly tookMs: number;
  },
): void {
  log.info('server.started', { ...facts, tookMs: Math.round(facts.tookMs) });
}

export function drainBegan(log: EventLog, liveCalls: number, graceMs: number): void {
  log.info('server.draining', { liveCalls, graceMs });
}

export function serverStopped(log: EventLog, facts: { readonly callsCut: number; readonly tookMs: number }): void {
  log.info('server.stopped', { ...facts, tookMs: Math.round(facts.tookMs) });
}

/** What nobody caught: the process goes on, the log says where to look. */
export function surpriseCaught(
  log: EventLog,
  origin: 'uncaughtException' | 'unhandledRejection',
  error: unknown,
): void {
  log.error('process.surprise', { origin }, error);
}
