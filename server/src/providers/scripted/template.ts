/** Values a flow knows by name; nested ones come from the answers of HTTP endpoints. */
export type Variables = Readonly<Record<string, unknown>>;

const LONGEST_VALUE = 500;

/** Puts variables into a text: {{name}}, {{answer.field}}. What is missing is left out; what is no plain value, too. */
export function fillTemplate(text: string, variables: Variables): string {
  return text.replace(/\{\{\s*([A-Za-z0-9_.]+)\s*\}\}/g, (_, path: string) => valueAt(path, variables));
}

/** The text of a variable by its path; empty when there is none. */
export function valueAt(path: string, variables: Variables): string {
  let value: unknown = variables;
  for (const name of path.split('.')) {
    const isInside = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    if (!isInside) return '';
    value = (value as Record<string, unknown>)[name];
  }
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value).slice(0, LONGEST_VALUE) : '';
}
