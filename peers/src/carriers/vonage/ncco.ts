import { isObject } from '../strict-json.ts';

/** What a call control object tells Vonage to do, action after action. */
export type NccoAction =
  | {
      readonly type: 'websocket';
      readonly uri: string;
      readonly sampleRate: number;
      readonly headers: Readonly<Record<string, unknown>>;
      readonly hasAuthorization: boolean;
    }
  | {
      readonly type: 'phone';
      readonly number: string;
      readonly from: string | null;
      readonly timeoutSeconds: number;
      readonly eventUrl: string | null;
    }
  | { readonly type: 'talk'; readonly text: string };

const CONNECT_KEYS = [
  'action',
  'endpoint',
  'from',
  'randomFromNumber',
  'eventType',
  'eventUrl',
  'eventMethod',
  'timeout',
  'limit',
  'machineDetection',
  'advancedMachineDetection',
  'ringbackTone',
];
const SOCKET_KEYS = ['type', 'uri', 'content-type', 'headers', 'authorization'];
const PHONE_KEYS = ['type', 'number', 'dtmfAnswer', 'onAnswer', 'shaken'];
const LONGEST_HEADERS_BYTES = 512;
const DEFAULT_TIMEOUT_SECONDS = 60;

/** Reads an NCCO with the keys of Vonage's reference and no others. @throws Error naming what is not taken. */
export function readNcco(value: unknown): readonly NccoAction[] {
  if (!Array.isArray(value) || value.length === 0) throw new Error('an NCCO is an array of actions');
  return value.map(readAction);
}

function readAction(value: unknown): NccoAction {
  if (!isObject(value)) throw new Error('an action is an object');
  if (value['action'] === 'talk') return { type: 'talk', text: String(value['text'] ?? '') };
  if (value['action'] !== 'connect') throw new Error(`the action ${String(value['action'])} is not known here`);
  onlyKeys(value, CONNECT_KEYS, 'connect');
  const { endpoint } = value;
  const [first, ...more] = Array.isArray(endpoint) ? endpoint : [];
  if (!isObject(first) || more.length > 0) throw new Error('connect takes one endpoint');
  return first['type'] === 'websocket' ? readSocket(first) : readPhone(first, value);
}

function readSocket(endpoint: Readonly<Record<string, unknown>>): NccoAction {
  onlyKeys(endpoint, SOCKET_KEYS, 'websocket');
  const { uri, headers = {}, authorization } = endpoint;
  if (typeof uri !== 'string' || !/^wss?:\/\/\S+$/.test(uri)) throw new Error(`uri ${String(uri)} is no ws address`);
  const [, rate] = /^audio\/l16;rate=(8000|16000|24000)$/.exec(String(endpoint['content-type'])) ?? [];
  if (!rate)
    throw new Error(`content-type ${String(endpoint['content-type'])} is not audio/l16;rate=8000, 16000 or 24000`);
  if (!isObject(headers) || Buffer.byteLength(JSON.stringify(headers)) > LONGEST_HEADERS_BYTES)
    throw new Error('headers are an object of at most 512 bytes');
  const hasAuthorization = isObject(authorization) && authorization['type'] === 'vonage';
  return { type: 'websocket', uri, sampleRate: Number(rate), headers, hasAuthorization };
}

function readPhone(
  endpoint: Readonly<Record<string, unknown>>,
  connect: Readonly<Record<string, unknown>>,
): NccoAction {
  if (endpoint['type'] !== 'phone') throw new Error(`the endpoint ${String(endpoint['type'])} is not known here`);
  onlyKeys(endpoint, PHONE_KEYS, 'phone');
  const { number } = endpoint;
  if (typeof number !== 'string' || !/^[1-9]\d{4,14}$/.test(number)) throw new Error('number is E.164 without +');
  const { from, timeout, eventUrl } = connect;
  return {
    type: 'phone',
    number,
    from: typeof from === 'string' ? from : null,
    // The reference writes the number as text.
    timeoutSeconds: timeout === undefined ? DEFAULT_TIMEOUT_SECONDS : Number(timeout),
    eventUrl: Array.isArray(eventUrl) ? String(eventUrl[0]) : null,
  };
}

function onlyKeys(value: Readonly<Record<string, unknown>>, known: readonly string[], what: string): void {
  const strange = Object.keys(value).find((key) => !known.includes(key));
  if (strange !== undefined) throw new Error(`${what} has no key ${strange}`);
}
