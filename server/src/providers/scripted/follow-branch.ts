import type { NodeOf } from './flow-schema.ts';
import type { Variables } from './template.ts';
import { valueAt } from './template.ts';

type Case = NodeOf<'branch'>['cases'][number];

/** Where a branch leads: to the first case that fits the variable, else `otherwise`. */
export function follow(node: NodeOf<'branch'>, variables: Variables): string {
  const value = valueAt(node.on, variables);
  return node.cases.find((one) => fits(one, value))?.next ?? node.otherwise;
}

/** `is` compares as text, so that keyed "7" is 7; `above` and `below` exclude their bounds. */
function fits({ is, above, below }: Case, value: unknown): boolean {
  if (is !== undefined) return value !== undefined && String(value) === String(is);
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return number > (above ?? Number.NEGATIVE_INFINITY) && number < (below ?? Number.POSITIVE_INFINITY);
}
