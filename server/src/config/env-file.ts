import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Looked at in this order, relative to the repository root; both are git-ignored. */
export const ENV_FILES = ['.assistant.env', 'docker/assistant-api/.assistant.env'] as const;

export type MergedEnvironment = {
  readonly env: Environment;
  /** Files that were read. */
  readonly files: readonly string[];
  /** Lines and files that could not be read, without their content: it may be a secret. */
  readonly errors: readonly string[];
};

/**
 * The process environment completed by the two files. Where a name stands in several places the first wins, also when it
 * is empty there: that is how one run unsets a value of a file.
 */
export function mergeEnvironment(processEnv: Environment, rootDir: string): MergedEnvironment {
  const env: Record<string, string | undefined> = Object.assign(Object.create(null), processEnv);
  const files: string[] = [];
  const errors: string[] = [];
  for (const name of ENV_FILES) {
    const text = readIfThere(join(rootDir, name), errors);
    if (text === null) continue;
    files.push(name);
    const parsed = parseEnvFile(text);
    errors.push(...parsed.errors.map((error) => `${name}, ${error}`));
    for (const [key, value] of parsed.values) env[key] ??= value;
  }
  return { env, files, errors };
}

export type ParsedEnvFile = { readonly values: ReadonlyMap<string, string>; readonly errors: readonly string[] };

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/;

/**
 * Reads NAME=value lines. A comment begins with `#` at the start of the value or after a blank; inside quotes `#` is text.
 * Quoted values may span lines; double quotes know \n, \r, \t, \" and \\. The last line of a name wins.
 */
export function parseEnvFile(text: string): ParsedEnvFile {
  const values = new Map<string, string>();
  const errors: string[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, rest] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined || rest === undefined) {
      errors.push(`line ${index + 1} is not NAME=value`);
      continue;
    }
    const quote = rest[0];
    if (quote !== '"' && quote !== "'") {
      values.set(name, stripComment(rest));
      continue;
    }
    const quoted = takeQuoted([rest, ...lines.slice(index + 1)].join('\n'), quote);
    if (quoted === null) {
      errors.push(`line ${index + 1}: the ${quote} before the value of ${name} is not closed, or text follows it`);
      continue;
    }
    values.set(name, quoted.value);
    index += quoted.lineBreaks;
  }
  return { values, errors };
}

/** Cuts a comment off an unquoted value. Docker's `env_file` passes ` # …` on as part of the value, so readers cut again. */
export function stripComment(value: string): string {
  return value.replace(/(^|\s)#.*$/s, '').trim();
}

function takeQuoted(text: string, quote: '"' | "'"): { value: string; lineBreaks: number } | null {
  const pattern =
    quote === '"' ? /^"((?:\\.|[^"\\])*)"[ \t]*(#[^\n]*)?(?=\n|$)/s : /^'([^']*)'[ \t]*(#[^\n]*)?(?=\n|$)/;
  const inner = pattern.exec(text)?.[1];
  if (inner === undefined) return null;
  const lineBreaks = inner.split('\n').length - 1;
  return { value: quote === '"' ? resolveEscapes(inner) : inner, lineBreaks };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function resolveEscapes(text: string): string {
  return text.replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char);
}

function readIfThere(path: string, errors: string[]): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') errors.push(`${path} cannot be read (${code}); fix its permissions`);
    return null;
  }
}
