/** Values by name, as templates and branches see them. */
export type Variables = Readonly<Record<string, unknown>>;

const PLACE = /\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)*)\s*\}\}/g;

/** Fills `{{name}}` and `{{name.part}}` in; a value that is not there, or no plain value, leaves nothing. */
export function fillIn(
  template: string,
  variables: Variables,
  encode: (text: string) => string = (text) => text,
): string {
  return template.replace(PLACE, (_place, path: string) => encode(textOf(valueAt(path, variables))));
}

/** The same in all texts of a JSON value. */
export function fillInAll(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return fillIn(value, variables);
  if (Array.isArray(value)) return value.map((item) => fillInAll(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillInAll(item, variables)]));
}

/** The value at `name.part.part`; undefined where there is none. */
export function valueAt(path: string, variables: Variables): unknown {
  let value: unknown = variables;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Object.entries(value).find(([key]) => key === part)?.[1];
  }
  return value;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
