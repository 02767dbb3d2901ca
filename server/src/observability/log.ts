import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { EventLog, LogFields } from '../core/ports/event-log.ts';
import { redactField, redactText } from './redact.ts';

export type LogOptions = {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Standard output when left out. */
  readonly destination?: DestinationStream;
};

/** One JSON line an event: level, time, event, fields. Whatever a caller hands in, no secret and no whole phone number gets out. */
export function createLog({ level, destination }: LogOptions): EventLog {
  const options = {
    level,
    base: null,
    messageKey: 'event',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(destination ? pino(options, destination) : pino(options));
}

function wrap(logger: Logger): EventLog {
  return {
    debug: (event, fields) => {
      if (logger.isLevelEnabled('debug')) logger.debug(redactFields(fields), event);
    },
    info: (event, fields) => {
      if (logger.isLevelEnabled('info')) logger.info(redactFields(fields), event);
    },
    warn: (event, fields) => logger.warn(redactFields(fields), event),
    error: (event, fields, error) =>
      logger.error({ ...redactFields(fields), ...(error !== undefined && { error: describeError(error) }) }, event),
    with: (fields) => wrap(logger.child(redactFields(fields))),
  };
}

/** Names of ours that a caller's field must not write over. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'event']);

function redactFields(fields: LogFields = {}): Record<string, unknown> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [RESERVED.has(name) ? `${name}_` : name, redactField(name, value)]),
  );
}

const MOST_CAUSES = 5;

/** An error with its stack and those of its causes, as one text. */
function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  while (current !== undefined && current !== null && parts.length < MOST_CAUSES) {
    parts.push(current instanceof Error ? (current.stack ?? current.message) : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return redactText(parts.join('\ncaused by: '));
}
