import { AppError } from '../../core/errors.ts';

/** ok: as it should be. warn: works, but somebody will be hurt by it one day. fail: calls do not work like this. */
export type FindingStatus = 'ok' | 'warn' | 'fail';

export type Finding = {
  readonly status: FindingStatus;
  /** What was seen, without secrets and full phone numbers. */
  readonly text: string;
  /** What to set or do; left out where nothing is. */
  readonly advice?: string;
};

/** One question the doctor asks. What it throws is a `fail` with the error's words. */
export type Check = {
  /** Two or three words, as the first column prints them. */
  readonly name: string;
  /** Looks, changes nothing. `signal` fires when the check has taken too long. */
  run(signal: AbortSignal): Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>;
};

export type RunChecksOptions = {
  readonly say: (line: string) => void;
  /** What one check may take; 20 s when left out. */
  readonly limitMs?: number;
};

export type ChecksSummary = Readonly<Record<FindingStatus, number>>;

const LIMIT_MS = 20_000;
const NAME_WIDTH = 18;

export function ok(text: string): Finding {
  return { status: 'ok', text };
}

export function warn(text: string, advice: string): Finding {
  return { status: 'warn', text, advice };
}

export function fail(text: string, advice: string): Finding {
  return { status: 'fail', text, advice };
}

/** Runs one check after the other and prints each finding as it is known; a check that throws or hangs is a `fail`. */
export async function runChecks(checks: readonly Check[], options: RunChecksOptions): Promise<ChecksSummary> {
  const summary = { ok: 0, warn: 0, fail: 0 };
  for (const check of checks) {
    for (const finding of await findingsOf(check, options.limitMs ?? LIMIT_MS)) {
      summary[finding.status]++;
      options.say(`${finding.status.padEnd(4)}  ${check.name.padEnd(NAME_WIDTH)}  ${finding.text}`);
      if (finding.advice !== undefined) options.say(`${' '.repeat(NAME_WIDTH + 8)}-> ${finding.advice}`);
    }
  }
  return summary;
}

async function findingsOf(check: Check, limitMs: number): Promise<readonly Finding[]> {
  const late = new AbortController();
  const { promise: isLate, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => {
    late.abort(new Error(`no answer within ${limitMs / 1_000} s`));
    resolve({ status: 'fail', text: `no answer within ${limitMs / 1_000} s` });
  }, limitMs);
  try {
    return [await Promise.race([(async () => check.run(late.signal))(), isLate])].flat();
  } catch (error) {
    return [{ status: 'fail', text: wordsOf(error) }];
  } finally {
    clearTimeout(timer);
    late.abort();
  }
}

/** The words of an error for a line of the doctor's. */
export function wordsOf(error: unknown): string {
  if (error instanceof AppError) return error.detail ?? error.message;
  return error instanceof Error ? error.message || String(error) : String(error);
}
