import { basicOf, type RestHandler, type RestReply } from '../rest-server.ts';
import type { ExotelAccount, ExotelForm } from './exotel-account.ts';
import { ExotelCall } from './exotel-call.ts';

export type ExotelRestParts = {
  readonly account: ExotelAccount;
  readonly calls: ReadonlyMap<string, ExotelCall>;
  /** Rings the callee; the flow of this id, or the stream of this address, begins when they answer. */
  readonly place: (call: ExotelCall, flow: { readonly appId: string } | { readonly streamUrl: string }) => void;
};

const NUMBER = /^\+?\d{6,15}$/;
const LONGEST_CALL_SECONDS = 14_400;

/** Calls/connect and call details. Source: Exotel "Voice v1". */
export function exotelRest(parts: ExotelRestParts): RestHandler {
  const { accountSid, apiKey, apiToken } = parts.account.options;
  const root = `/v1/Accounts/${accountSid}/Calls/`;
  return ({ headers, path, query, method, body }) => {
    if (basicOf(headers) !== `${apiKey}:${apiToken}`) return refusal(401, 'Authentication failed');
    if (path === `/v1/Accounts/${accountSid}/Calls.json`) return list(query, parts);
    if (!path.startsWith(root)) return refusal(404, `${path} is not here`);
    const rest = path.slice(root.length);
    if (method === 'POST' && /^connect(\.json)?$/.test(rest)) return connect(new URLSearchParams(body), parts);
    const call = parts.calls.get(rest.replace(/\.json$/, ''));
    return call ? { status: 200, body: { Call: resource(call, accountSid) } } : refusal(404, 'Call not found');
  };
}

function connect(form: URLSearchParams, parts: ExotelRestParts): RestReply {
  const [from, callerId] = [form.get('From') ?? '', form.get('CallerId') ?? ''];
  if (!NUMBER.test(from)) return refusal(400, 'From is not a valid number');
  if (!NUMBER.test(callerId)) return refusal(400, 'CallerId is not an ExoPhone of the account');
  const { accountSid } = parts.account.options;
  const limit = Number(form.get('TimeLimit') ?? LONGEST_CALL_SECONDS);
  if (!(limit > 0 && limit <= LONGEST_CALL_SECONDS)) return refusal(400, `TimeLimit: up to ${LONGEST_CALL_SECONDS}`);
  const flow = flowOf(form, accountSid);
  if (flow === null) return refusal(400, 'Url of a flow, or StreamUrl with StreamType, is missing');
  const callback = form.get('StatusCallback');
  const events = [...form].filter(([name]) => /^StatusCallbackEvents\[\d*\]$/.test(name)).map(([, value]) => value);
  const type = form.get('StatusCallbackContentType') ?? 'multipart/form-data';
  const callbackForm: ExotelForm = /json/.test(type) ? 'JSON' : /urlencoded/.test(type) ? 'urlencoded' : 'multipart';
  const call = new ExotelCall(
    {
      from,
      to: callerId,
      direction: 'outbound-api',
      customField: form.get('CustomField'),
      statusCallback: callback
        ? { url: callback, events: events.length > 0 ? events : ['terminal'], form: callbackForm }
        : null,
    },
    parts.account,
  );
  const reply = { Call: resource(call, accountSid) };
  parts.place(call, flow);
  return { status: 200, body: reply };
}

/** Calls that are over; one that rings or is talked on is in no list (Exotel "Bulk call details"). */
function list(query: URLSearchParams, { account, calls }: ExotelRestParts): RestReply {
  const { accountSid } = account.options;
  const found = [...calls.values()]
    .filter(({ isOver }) => isOver)
    .filter(({ order }) => order.from === (query.get('From') ?? order.from))
    .filter(({ order }) => order.direction === (query.get('Direction') ?? order.direction))
    .slice(0, Number(query.get('PageSize') ?? 50));
  return {
    status: 200,
    body: { Metadata: { Total: found.length }, Calls: found.map((call) => resource(call, accountSid)) },
  };
}

function flowOf(form: URLSearchParams, accountSid: string): { appId: string } | { streamUrl: string } | null {
  const start = `http://my.exotel.com/${accountSid}/exoml/start_voice/`;
  const url = form.get('Url') ?? '';
  if (url.startsWith(start) && /^\d+$/.test(url.slice(start.length))) return { appId: url.slice(start.length) };
  const streamUrl = form.get('StreamUrl') ?? '';
  return form.get('StreamType') === 'bidirectional' && /^wss?:\/\//.test(streamUrl) ? { streamUrl } : null;
}

function resource({ sid, status, order, createdAt }: ExotelCall, accountSid: string): object {
  return {
    Sid: sid,
    AccountSid: accountSid,
    From: order.from,
    To: order.to,
    PhoneNumberSid: order.to,
    Status: status,
    Direction: order.direction,
    DateCreated: createdAt.toISOString().slice(0, 19).replace('T', ' '),
  };
}

function refusal(status: number, message: string): RestReply {
  return { status, body: { RestException: { Status: status, Message: message } } };
}
