import { AppError } from '../errors.ts';

/** One thing a person or program fills in: what forms, the command line and the check of an answer are drawn from. */
export type Field = {
  /** As stored and as the API names it. */
  readonly key: string;
  /** One sentence: what it is and where to find it. */
  readonly help: string;
  /** `text` when left out. A `list` is lines of text. */
  readonly type?: 'text' | 'integer' | 'list';
  readonly isRequired?: true;
  /** Never shown again; of the stored value the last four characters at most. */
  readonly isSecret?: true;
  readonly isMultiline?: true;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** What a text must look like, with words for it. */
  readonly form?: { readonly pattern: RegExp; readonly words: string };
  /** Inclusive. */
  readonly range?: { readonly min: number; readonly max: number };
  /** Other names for the same key, as vendors' consoles print them. */
  readonly aliases?: readonly string[];
};

export type FieldValue = string | number | readonly string[];
export type FieldValues = Readonly<Record<string, FieldValue>>;

const LONGEST_TEXT = 8_192;
const LONGEST_LIST = 256;

/**
 * Reads values by their fields: trimmed, aliases turned into keys, empty ones left out.
 * @throws AppError invalid_parameters with all mistakes at once; no value is ever part of it.
 */
export function readFields(fields: readonly Field[], given: Readonly<Record<string, unknown>>): FieldValues {
  const mistakes: string[] = [];
  const values: Record<string, FieldValue> = {};
  const rest = new Set(Object.keys(given));
  for (const field of fields) {
    const name = [field.key, ...(field.aliases ?? [])].find((each) => Object.hasOwn(given, each)) ?? field.key;
    for (const each of [field.key, ...(field.aliases ?? [])]) rest.delete(each);
    const value = readValue(field, Object.hasOwn(given, name) ? given[name] : undefined);
    if ('mistake' in value) mistakes.push(`${field.key} ${value.mistake}`);
    else if (value.value !== null) values[field.key] = value.value;
    else if (field.isRequired) mistakes.push(`${field.key} is missing`);
  }
  for (const name of rest) mistakes.push(`${name.slice(0, 64)} is no known key`);
  if (mistakes.length > 0) throw new AppError('invalid_parameters', { detail: mistakes.join('; ') });
  return values;
}

type Reading = { readonly value: FieldValue | null } | { readonly mistake: string };

function readValue(field: Field, raw: unknown): Reading {
  if (raw === undefined || raw === null || raw === '') return { value: null };
  switch (field.type ?? 'text') {
    case 'text':
      return readText(field, raw);
    case 'integer':
      return readInteger(field, raw);
    case 'list':
      return readList(field, raw);
  }
}

function readText(field: Field, raw: unknown): Reading {
  if (typeof raw !== 'string' && typeof raw !== 'number') return { mistake: 'must be text' };
  const text = String(raw).trim();
  if (text === '') return { value: null };
  if (text.length > LONGEST_TEXT) return { mistake: `may have ${LONGEST_TEXT} characters` };
  if (!field.isMultiline && /[\r\n\0]/.test(text)) return { mistake: 'must be one line' };
  if (field.choices && !field.choices.includes(text)) return { mistake: `must be one of ${field.choices.join(', ')}` };
  if (field.form && !field.form.pattern.test(text)) return { mistake: field.form.words };
  return { value: text };
}

function readInteger(field: Field, raw: unknown): Reading {
  const number = typeof raw === 'string' && /^\d{1,15}$/.test(raw.trim()) ? Number(raw) : raw;
  const { min, max } = field.range ?? { min: 0, max: Number.MAX_SAFE_INTEGER };
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < min || number > max) {
    return { mistake: `must be a whole number from ${min} to ${max}` };
  }
  return { value: number };
}

function readList(field: Field, raw: unknown): Reading {
  const entries = typeof raw === 'string' ? raw.split(/[\s,]+/) : raw;
  if (!Array.isArray(entries) || entries.some((entry) => typeof entry !== 'string')) {
    return { mistake: 'must be a list of texts' };
  }
  const list = entries.map((entry: string) => entry.trim()).filter((entry) => entry !== '');
  if (list.length > LONGEST_LIST) return { mistake: `may have ${LONGEST_LIST} entries` };
  if (field.form && list.some((entry) => !field.form?.pattern.test(entry))) return { mistake: field.form.words };
  if (field.choices && list.some((entry) => !field.choices?.includes(entry))) {
    return { mistake: `may hold ${field.choices.join(', ')}` };
  }
  return { value: list.length === 0 ? null : list };
}
