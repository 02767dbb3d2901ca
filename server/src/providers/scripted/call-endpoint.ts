import type { NodeOf } from './flow-schema.ts';
import type { Variables } from './template.ts';
import { fillIn, fillInAll } from './template.ts';

/** The largest answer that is read. */
const MAX_ANSWER_BYTES = 64 * 1024;
const DEFAULT_TIMEOUT_MS = 3_000;

/** What templates and branches see of an answer; `body` is a value where the endpoint sent JSON, else a text. */
export type EndpointAnswer = { readonly status: number; readonly body: unknown };

/** Something failed on the way; `reason` is fit for the call's record. */
export type EndpointFailure = { readonly status: number | null; readonly reason: string };

export type EndpointResult =
  | { readonly isOk: true; readonly answer: EndpointAnswer }
  | { readonly isOk: false; readonly failure: EndpointFailure };

/**
 * Calls the endpoint of an `http` node. Never throws: time-outs, refusals, statuses other than 2xx and answers over 64 KiB
 * are failures. Redirects are not followed: where a flow sends data is written in the flow.
 */
export async function callEndpoint(
  node: NodeOf<'http'>,
  variables: Variables,
  signal: AbortSignal,
): Promise<EndpointResult> {
  const timeout = AbortSignal.timeout(node.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  try {
    const response = await fetch(fillIn(node.url, variables, encodeURIComponent), {
      ...requestOf(node, variables),
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout]),
    });
    const text = await readBounded(response);
    if (text === null) return failed(response.status, `the answer is over ${MAX_ANSWER_BYTES} bytes`);
    if (!response.ok) return failed(response.status, `status ${response.status}`);
    return { isOk: true, answer: { status: response.status, body: bodyOf(response, text) } };
  } catch (error) {
    return failed(null, timeout.aborted ? 'no answer in time' : reasonOf(error));
  }
}

function requestOf(node: NodeOf<'http'>, variables: Variables): RequestInit {
  const headers = Object.fromEntries(
    Object.entries(node.headers ?? {}).map(([name, value]) => [name, fillIn(value, variables)]),
  );
  const method = node.method ?? (node.body === undefined ? 'GET' : 'POST');
  if (node.body === undefined || method === 'GET') return { method, headers };
  const body = JSON.stringify(fillInAll(node.body, variables));
  return { method, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** Null when there is too much of it. */
async function readBounded(response: Response): Promise<string | null> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > MAX_ANSWER_BYTES) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function bodyOf(response: Response, text: string): unknown {
  if (!(response.headers.get('content-type') ?? '').includes('json')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function failed(status: number | null, reason: string): EndpointResult {
  return { isOk: false, failure: { status, reason } };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const source = cause instanceof Error ? cause : error;
  return source instanceof Error ? source.message : String(source);
}
