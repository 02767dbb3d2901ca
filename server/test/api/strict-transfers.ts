import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { CarrierReply, CarrierRequest } from './fake-carriers.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from './signed-requests.ts';

/** What a carrier was told to dial. */
export type Dialled = {
  readonly callId: string;
  readonly number: string;
  readonly shown: string | null;
  readonly timeoutSeconds: number;
  /** Where it tells how that went. */
  readonly resultUrl: string;
};

/** A request the carrier would refuse: which is its answer. */
export class Refused extends Error {
  readonly reply: CarrierReply;

  constructor(status: number, why: string) {
    super(why);
    this.reply = { status, body: { code: 21_205, message: why } };
  }
}

const DIAL =
  /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<Response>\s*<Dial((?: [a-zA-Z]+="[^"<]*")*)>\s*<Number>([^<>&]+)<\/Number>\s*<\/Dial>\s*<\/Response>\s*$/;
const DIAL_ATTRIBUTES = ['action', 'method', 'timeout', 'callerId'];

/** Reads a call update as Twilio does (Call resource: update; TwiML: Dial), and nothing that it would not. @throws Refused. */
export function readTwilioTransfer({ method, path, authorization, body }: CarrierRequest): Dialled {
  const callId = new RegExp(`^/2010-04-01/Accounts/${ACCOUNT_SID}/Calls/(CA\\w+)\\.json$`).exec(path)?.[1];
  if (method !== 'POST' || callId === undefined) throw new Refused(404, 'no such resource');
  if (authorization !== `Basic ${btoa(`${ACCOUNT_SID}:${AUTH_TOKEN}`)}`) throw new Refused(401, 'not authenticated');
  const form = new URLSearchParams(body);
  if ([...form.keys()].join() !== 'Twiml') throw new Refused(400, `unknown fields ${[...form.keys()].join()}`);
  const [, attributesText = '', number = ''] = DIAL.exec(form.get('Twiml') ?? '') ?? [];
  const attributes = new Map(
    Array.from(attributesText.matchAll(/ ([a-zA-Z]+)="([^"]*)"/g), ([, name = '', value = '']) => [name, value]),
  );
  const unknown = [...attributes.keys()].filter((name) => !DIAL_ATTRIBUTES.includes(name));
  if (unknown.length > 0 || !/^\+[1-9]\d{6,14}$/.test(number)) throw new Refused(400, 'the document is not valid');
  const resultUrl = attributes.get('action') ?? '';
  if (!resultUrl.startsWith('https://') || attributes.get('method') !== 'POST') throw new Refused(400, 'no action');
  return {
    callId,
    number,
    shown: attributes.get('callerId') ?? null,
    timeoutSeconds: Number(attributes.get('timeout')),
    resultUrl,
  };
}

const CONNECT_KEYS = ['action', 'eventType', 'eventUrl', 'eventMethod', 'timeout', 'from', 'endpoint'];

/** Reads a call modification as Vonage does (Voice API: PUT /v1/calls/{uuid}; NCCO: connect). @throws Refused. */
export async function readVonageTransfer(
  { method, path, authorization, body }: CarrierRequest,
  publicKey: string,
): Promise<Dialled> {
  const callId = /^\/v1\/calls\/([\w-]+)$/.exec(path)?.[1];
  if (method !== 'PUT' || callId === undefined) throw new Refused(404, 'no such resource');
  await jwtVerify(authorization.replace(/^Bearer /, ''), createPublicKey(publicKey), { algorithms: ['RS256'] });
  const { action, destination, ...rest } = JSON.parse(body);
  if (action !== 'transfer' || destination.type !== 'ncco' || Object.keys(rest).length > 0) {
    throw new Refused(400, 'no transfer to an NCCO');
  }
  const [connect, ...more] = destination.ncco;
  const unknown = Object.keys(connect).filter((key) => !CONNECT_KEYS.includes(key));
  const [endpoint] = connect.endpoint;
  const isValid =
    more.length === 0 &&
    unknown.length === 0 &&
    connect.action === 'connect' &&
    connect.eventType === 'synchronous' &&
    connect.eventMethod === 'POST' &&
    Array.isArray(connect.eventUrl) &&
    connect.eventUrl[0].startsWith('https://') &&
    endpoint.type === 'phone' &&
    /^[1-9]\d{6,14}$/.test(endpoint.number);
  if (!isValid) throw new Refused(400, `the NCCO is not valid: ${unknown.join()}`);
  return {
    callId,
    number: endpoint.number,
    shown: connect.from ?? null,
    timeoutSeconds: Number(connect.timeout),
    resultUrl: connect.eventUrl[0],
  };
}
