/**
 * The JSON text of a value as PostgreSQL takes it: a NUL and lone surrogates, which JSON may hold and jsonb refuses, are
 * left out, so that a stray byte from a carrier never costs a call its record.
 */
export function toStorableJson(value: unknown): string {
  const text = JSON.stringify(value);
  return /\\u0000|\\ud[89a-f]/i.test(text) ? JSON.stringify(clean(value)) : text;
}

/** The same for a plain text column. */
export function toStorableText(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? text.replaceAll('\0', '').toWellFormed() : text;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return toStorableText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value instanceof Date || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [toStorableText(key), clean(inner)]));
}
