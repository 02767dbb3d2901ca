import { AppError } from '../../core/errors.ts';

/** SQLSTATE classes that mean the database cannot serve us now (PostgreSQL manual, appendix A): connection, resources, operator, system. */
const AWAY_CLASSES = new Set(['08', '28', '53', '57', '58']);
/** A read-only standby after a failover, a database that is not there (yet), a serialization failure, a deadlock. */
const AWAY_STATES = new Set(['25006', '3D000', '40001', '40P01']);
const AWAY_SYSTEM_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);
const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|not queryable|pool after calling end|driver has already been destroyed|connection error/;

/** An id or a number that its column cannot hold: what is asked for does not exist. */
const IMPOSSIBLE_VALUES = new Set(['22P02', '22003']);

/**
 * Turns what pg threw into our error: database_unavailable when trying again later makes sense, invalid_parameters for
 * values no row can have, else internal.
 */
export function toDatabaseError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = sqlState(error);
  if (isAway(error, code)) return new AppError('database_unavailable', { retryAfterSeconds: 2, cause: error });
  if (code !== null && IMPOSSIBLE_VALUES.has(code)) return new AppError('invalid_parameters', { cause: error });
  return new AppError('internal', { cause: error });
}

/** The SQLSTATE or system code of an error; null when it has none. */
export function sqlState(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}

export const UNIQUE_VIOLATION = '23505';
export const FOREIGN_KEY_VIOLATION = '23503';

function isAway(error: unknown, code: string | null): boolean {
  if (code !== null) {
    if (AWAY_SYSTEM_ERRORS.has(code) || AWAY_STATES.has(code)) return true;
    if (code.length === 5) return AWAY_CLASSES.has(code.slice(0, 2));
  }
  return error instanceof Error && AWAY_MESSAGES.test(error.message);
}
