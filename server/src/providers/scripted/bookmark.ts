import { MOST_BOOKMARK_BYTES, type TransferBookmark } from '../../core/call/transfer.ts';
import type { Variables } from './template.ts';

/** Where in the flow a caller was handed over, and with what. Variables that are too large to keep are left out. */
export function writeBookmark(node: string, variables: Variables): TransferBookmark {
  const bookmark = { node, variables };
  return Buffer.byteLength(JSON.stringify(bookmark)) <= MOST_BOOKMARK_BYTES ? bookmark : { node };
}

/** The same, back from the record; it may be of an older version of the flow. */
export function readBookmark(bookmark: TransferBookmark | null): {
  readonly node: string | null;
  readonly variables: Variables;
} {
  const { node, variables } = bookmark ?? {};
  return { node: typeof node === 'string' ? node : null, variables: isVariables(variables) ? variables : {} };
}

function isVariables(value: unknown): value is Variables {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
