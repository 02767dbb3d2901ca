import { basicOf, type RestHandler, type RestReply } from '../rest-server.ts';
import { isObject, readObject } from '../strict-json.ts';
import { readNcco } from './ncco.ts';
import { objectionToToken } from './signed-webhook.ts';
import type { VonageApplication } from './vonage-application.ts';
import { VonageCall } from './vonage-call.ts';

export type VonageRestParts = {
  readonly application: VonageApplication;
  readonly calls: ReadonlyMap<string, VonageCall>;
  /** Rings the callee; the NCCO is asked for when they answer. */
  readonly place: (call: VonageCall, ncco: () => Promise<unknown>) => void;
};

type Json = Readonly<Record<string, unknown>>;

const NUMBER = /^[1-9]\d{4,14}$/;
const KEYS = [
  'to',
  'from',
  'random_from_number',
  'ncco',
  'answer_url',
  'answer_method',
  'event_url',
  'event_method',
  'machine_detection',
  'advanced_machine_detection',
  'length_timer',
  'ringing_timer',
];
const LONGEST_CALL_SECONDS = 7_200;
const LONGEST_RINGING_SECONDS = 120;

/** /v1/calls: create, list, fetch, change. Source: Vonage "Voice API reference". */
export function vonageRest(parts: VonageRestParts): RestHandler {
  return async (request) => {
    const { applicationId, publicKey, apiKey, apiSecret } = parts.application.options;
    if (request.path.startsWith('/v2/applications/')) {
      // This interface takes the account's own key (Vonage "Application API v2").
      if (basicOf(request.headers) !== `${apiKey}:${apiSecret}`) return problem(401, 'Unauthorized', 'another account');
      if (request.path !== `/v2/applications/${applicationId}`) return problem(404, 'Not Found', 'no application');
      return { status: 200, body: { id: applicationId, name: 'a double' } };
    }
    const objection = objectionToToken(request.headers.authorization, { id: applicationId, publicKey });
    if (objection !== null) return problem(401, 'Unauthorized', objection);
    if (request.path === '/v1/calls') {
      return request.method === 'POST' ? create(readObject(request.body), parts) : list(request.query, parts);
    }
    const [, uuid = ''] = /^\/v1\/calls\/([^/]+)$/.exec(request.path) ?? [];
    const call = parts.calls.get(uuid);
    if (!call) return problem(404, 'Not Found', 'no call of that uuid');
    if (request.method === 'PUT') return change(call, readObject(request.body), parts);
    return { status: 200, body: resource(call) };
  };
}

function create(body: Json | null, parts: VonageRestParts): RestReply {
  if (!body) return problem(400, 'Bad Request', 'the body is no JSON object');
  const objection = objectionTo(body);
  if (objection !== null) return problem(400, 'Bad Request', objection);
  const { to, from, ncco, answer_url: answerUrl, answer_method: answerMethod } = body;
  const event = firstOf(body['event_url']);
  const call = new VonageCall(
    {
      from: numberOf(from) ?? '',
      to: numberOf(firstOf(to)) ?? '',
      direction: 'outbound',
      event: typeof event === 'string' ? { url: event, method: body['event_method'] === 'GET' ? 'GET' : 'POST' } : null,
    },
    parts.application,
  );
  const fetched = async () => {
    const answer = await parts.application.send(
      answerMethod === 'POST' ? 'POST' : 'GET',
      String(firstOf(answerUrl)),
      call.fields(),
    );
    return JSON.parse(answer.body) as unknown;
  };
  const reply = { uuid: call.uuid, status: 'started', direction: 'outbound', conversation_uuid: call.conversationUuid };
  parts.place(call, ncco === undefined ? fetched : async () => ncco);
  return { status: 201, body: reply };
}

function objectionTo(body: Json): string | null {
  const strange = Object.keys(body).find((key) => !KEYS.includes(key));
  if (strange !== undefined) return `there is no ${strange}`;
  if (numberOf(firstOf(body['to'])) === null) return 'to: one phone with a number in E.164 without +';
  if (numberOf(body['from']) === null && body['random_from_number'] !== true) return 'from: a phone';
  const { length_timer: length = LONGEST_CALL_SECONDS, ringing_timer: ringing = 60 } = body;
  if (!isWithin(length, LONGEST_CALL_SECONDS)) return `length_timer: 1 to ${LONGEST_CALL_SECONDS}`;
  if (!isWithin(ringing, LONGEST_RINGING_SECONDS)) return `ringing_timer: 1 to ${LONGEST_RINGING_SECONDS}`;
  if (body['ncco'] === undefined) return body['answer_url'] === undefined ? 'ncco or answer_url is missing' : null;
  return objectionToNcco(body['ncco']);
}

function objectionToNcco(ncco: unknown): string | null {
  try {
    readNcco(ncco);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function list(query: URLSearchParams, parts: VonageRestParts): RestReply {
  const [from, to] = [Date.parse(query.get('date_start') ?? ''), Date.parse(query.get('date_end') ?? '')];
  const calls = [...parts.calls.values()].filter(({ createdAt }) => {
    const atMs = createdAt.getTime();
    return !(atMs < from) && !(atMs > to);
  });
  if (query.get('order') === 'desc') calls.reverse();
  const page = calls.slice(0, Math.min(100, Number(query.get('page_size') ?? 10))).map(resource);
  return { status: 200, body: { count: calls.length, page_size: page.length, _embedded: { calls: page } } };
}

async function change(call: VonageCall, body: Json | null, parts: VonageRestParts): Promise<RestReply> {
  if (call.isOver) return problem(400, 'Bad Request', 'the call is over');
  if (body?.['action'] === 'hangup') {
    call.complete();
    return { status: 204 };
  }
  const destination = body?.['destination'];
  if (body?.['action'] !== 'transfer' || !isObject(destination) || destination['type'] !== 'ncco')
    return problem(400, 'Bad Request', 'action: hangup, or transfer with a destination of type ncco');
  const url = firstOf(destination['url']);
  const ncco =
    typeof url === 'string'
      ? (JSON.parse((await parts.application.send('GET', url, call.fields())).body) as unknown)
      : destination['ncco'];
  const objection = objectionToNcco(ncco);
  if (objection !== null) return problem(400, 'Bad Request', objection);
  call.replace(ncco);
  return { status: 204 };
}

function resource(call: VonageCall): object {
  const { uuid, conversationUuid, status, order, createdAt } = call;
  return {
    uuid,
    conversation_uuid: conversationUuid,
    status,
    direction: order.direction,
    to: { type: 'phone', number: order.to },
    from: { type: 'phone', number: order.from },
    start_time: createdAt.toISOString(),
  };
}

function numberOf(phone: unknown): string | null {
  if (!isObject(phone) || phone['type'] !== 'phone') return null;
  const { number } = phone;
  return typeof number === 'string' && NUMBER.test(number) ? number : null;
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

function isWithin(value: unknown, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= most;
}

function problem(status: number, title: string, detail: string): RestReply {
  return { status, body: { type: 'https://developer.vonage.com/api-errors', title, detail } };
}
