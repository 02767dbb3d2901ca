import type { HttpNode } from './flow-schema.ts';
import { fillTemplate, type Variables } from './template.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const LONGEST_ANSWER_BYTES = 64 * 1024;

/** The answer of an endpoint: JSON as it is, other text under `text`; or why there is none. */
export type EndpointAnswer =
  | { readonly type: 'answered'; readonly value: unknown }
  | { readonly type: 'failed'; readonly reason: string };

/** Asks the endpoint of a node. Never throws: time-outs, refusals and oversized answers are `failed`. */
export async function callEndpoint(node: HttpNode, variables: Variables, signal: AbortSignal): Promise<EndpointAnswer> {
  const limit = AbortSignal.timeout(node.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  try {
    const response = await fetch(addressOf(node, variables), {
      ...requestOf(node, variables),
      redirect: 'error',
      signal: AbortSignal.any([signal, limit]),
    });
    const text = await readBounded(response);
    if (text === null) return { type: 'failed', reason: 'the answer is too long' };
    if (!response.ok) return { type: 'failed', reason: `status ${response.status}` };
    return { type: 'answered', value: parse(text) };
  } catch {
    return { type: 'failed', reason: limit.aborted ? 'no answer in time' : 'not reachable' };
  }
}

/** A variable cannot leave its place in the address: it is escaped. */
function addressOf(node: HttpNode, variables: Variables): string {
  return node.url.replace(/\{\{\s*[A-Za-z0-9_.]+\s*\}\}/g, (place) =>
    encodeURIComponent(fillTemplate(place, variables)),
  );
}

function requestOf(node: HttpNode, variables: Variables): RequestInit {
  const body = Object.fromEntries(
    Object.entries(node.body ?? {}).map(([name, text]) => [name, fillTemplate(text, variables)]),
  );
  if ((node.method ?? 'GET') === 'GET') return { method: 'GET' };
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

async function readBounded(response: Response): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > LONGEST_ANSWER_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : { text: String(value) };
  } catch {
    return { text };
  }
}
