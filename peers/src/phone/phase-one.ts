import { performance } from 'node:perf_hooks';
import { httpGet } from '../http-get.ts';

export type CallRequest = {
  /** http://host:port */
  readonly url: string;
  readonly assistantId: string;
  readonly apiKey: string;
  readonly from?: string | undefined;
  /** The PBX's own id of the call; a repeated request with it is the same call. */
  readonly callId?: string | undefined;
};

export type CallAnswer = { readonly contextId: string; readonly tookMs: number };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Asks for a contextId as the CURL() of a dialplan does. @throws Error with the status and the X-Error header. */
export async function requestCall(request: CallRequest): Promise<CallAnswer> {
  const url = callUrl(request);
  const startedAtMs = performance.now();
  const answer = await httpGet(url, { 'user-agent': 'asterisk-libcurl-agent/1.0', accept: '*/*' }).catch(
    (cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`no server answers at ${request.url} (${reason}): is it started? (npm start)`, { cause });
    },
  );
  const { status, body } = answer;
  const tookMs = performance.now() - startedAtMs;
  if (status !== 200) {
    const reason = answer.header('x-error') ?? (body.slice(0, 200) || 'no reason given');
    throw new Error(`the server refused the call with ${status}: ${reason}`);
  }
  if (!UUID.test(body.trim())) throw new Error(`the server answered ${JSON.stringify(body.slice(0, 80))}, not a UUID`);
  return { contextId: body.trim(), tookMs };
}

/** The address a dialplan's CURL() would call. */
export function callUrl({ url, assistantId, apiKey, from, callId }: CallRequest): URL {
  const address = new URL(`/v1/talk/asterisk/call/${encodeURIComponent(assistantId)}`, url);
  address.searchParams.set('from', from ?? '');
  if (callId) address.searchParams.set('id', callId);
  address.searchParams.set('x-api-key', apiKey);
  return address;
}
