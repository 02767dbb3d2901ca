import { timingSafeEqual } from 'node:crypto';
import { basicOf, type RestHandler, type RestReply, type RestRequest } from '../rest-server.ts';
import type { TwilioAccount } from './twilio-account.ts';
import { TwilioCall } from './twilio-call.ts';

export type TwilioRestParts = {
  readonly account: TwilioAccount;
  readonly calls: ReadonlyMap<string, TwilioCall>;
  /** Rings the callee; the document is asked for when they answer. */
  readonly place: (call: TwilioCall, document: () => Promise<string>) => void;
};

const ADDRESS = /^(\+[1-9]\d{6,14}|sip:\S+|client:\S+)$/;
const LONGEST_TWIML = 4_000;
const LONGEST_RINGING_SECONDS = 600;
const EVENTS = ['initiated', 'ringing', 'answered', 'completed'];

/** The Call resource: create, list, fetch, update. Errors have Twilio's codes. Source: Twilio "Call resource". */
export function twilioRest(parts: TwilioRestParts): RestHandler {
  const root = `/2010-04-01/Accounts/${parts.account.accountSid}`;
  return (request) => {
    if (!isAuthentic(request, parts.account)) return refusal(401, 20_003, 'Authenticate');
    const path = request.path.startsWith(root) ? request.path.slice(root.length) : '';
    const form = new URLSearchParams(request.body);
    if (path === '.json') return { status: 200, body: { status: 'active', friendly_name: 'a double', type: 'Full' } };
    if (path === '/Calls.json') return request.method === 'POST' ? create(form, parts) : list(request.query, parts);
    const [, sid = ''] = /^\/Calls\/(CA[0-9a-f]{32})\.json$/.exec(path) ?? [];
    const call = parts.calls.get(sid);
    if (!call) return refusal(404, 20_404, `The requested resource ${request.path} was not found`);
    return request.method === 'POST' ? update(call, form, parts) : { status: 200, body: resource(call, parts) };
  };
}

function isAuthentic({ headers }: RestRequest, { accountSid, authToken }: TwilioAccount): boolean {
  const [given, expected] = [Buffer.from(basicOf(headers) ?? ''), Buffer.from(`${accountSid}:${authToken}`)];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function create(form: URLSearchParams, parts: TwilioRestParts): RestReply {
  const [to, from] = [form.get('To') ?? '', form.get('From') ?? ''];
  if (!ADDRESS.test(to)) return refusal(400, 21_211, "Invalid 'To' Phone Number");
  if (!ADDRESS.test(from)) return refusal(400, 21_212, "Invalid 'From' Phone Number");
  const [twiml, url] = [form.get('Twiml'), form.get('Url')];
  if (!twiml && !url) return refusal(400, 21_205, 'Url parameter is required.');
  if ((twiml?.length ?? 0) > LONGEST_TWIML) return refusal(400, 21_602, 'Twiml is longer than 4000 characters');
  const timeout = Number(form.get('Timeout') ?? 60);
  if (!(timeout > 0 && timeout <= LONGEST_RINGING_SECONDS)) return refusal(400, 20_001, 'Invalid Timeout');
  const events = form.getAll('StatusCallbackEvent');
  const strange = events.find((event) => !EVENTS.includes(event));
  if (strange !== undefined) return refusal(400, 21_626, `Invalid StatusCallbackEvent ${strange}`);
  const callback = form.get('StatusCallback');
  const statusCallback = callback ? { url: callback, events: events.length > 0 ? events : ['completed'] } : null;
  const call = new TwilioCall({ from, to, direction: 'outbound-api', statusCallback }, parts.account);
  // Url wins where both are given.
  const fetched = async () => (await parts.account.post(url ?? '', call.fields())).body;
  const body = resource(call, parts);
  parts.place(call, url ? fetched : async () => twiml ?? '');
  return { status: 201, body };
}

function list(query: URLSearchParams, parts: TwilioRestParts): RestReply {
  const since = query.get('StartTime>') ?? '';
  const calls = [...parts.calls.values()]
    .filter(
      ({ order }) => order.to === (query.get('To') ?? order.to) && order.from === (query.get('From') ?? order.from),
    )
    .filter(({ createdAt }) => createdAt.toISOString().slice(0, 10) >= since)
    .reverse()
    .slice(0, Number(query.get('PageSize') ?? 50));
  return { status: 200, body: { calls: calls.map((call) => resource(call, parts)), page: 0, next_page_uri: null } };
}

function update(call: TwilioCall, form: URLSearchParams, parts: TwilioRestParts): RestReply {
  const [status, twiml, url] = [form.get('Status'), form.get('Twiml'), form.get('Url')];
  if (call.isOver) return refusal(400, 21_220, 'Call is not in-progress. Cannot redirect.');
  if (twiml !== null && url !== null) return refusal(400, 20_001, 'Twiml and Url exclude each other');
  if (status === 'completed') call.complete();
  else if (status === 'canceled' && call.status !== 'in-progress') call.complete();
  else if (status !== null) return refusal(400, 21_220, `Invalid call state ${status}`);
  else if (twiml !== null) call.replace(twiml);
  else if (url !== null) {
    parts.account.post(url, call.fields()).then(
      ({ body }) => call.replace(body),
      () => call.complete(),
    );
  } else return refusal(400, 20_001, 'Nothing to update');
  return { status: 200, body: resource(call, parts) };
}

function resource({ sid, status, order, createdAt }: TwilioCall, { account }: TwilioRestParts): object {
  return {
    sid,
    account_sid: account.accountSid,
    to: order.to,
    from: order.from,
    status,
    direction: order.direction,
    date_created: createdAt.toUTCString(),
    api_version: '2010-04-01',
  };
}

function refusal(status: number, code: number, message: string): RestReply {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}
