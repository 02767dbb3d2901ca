import { readXml, type XmlElement } from '../xml.ts';

/** What a document tells Twilio to do, verb after verb. */
export type TwimlVerb =
  | {
      readonly type: 'stream';
      readonly url: string;
      readonly name: string | null;
      readonly statusCallback: string | null;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'dial';
      readonly number: string;
      readonly callerId: string | null;
      readonly timeoutSeconds: number;
      readonly action: string | null;
    }
  | { readonly type: 'redirect'; readonly url: string }
  | { readonly type: 'hangup' }
  | { readonly type: 'reject'; readonly reason: string }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'pause'; readonly seconds: number };

export type Twiml = { readonly verbs: readonly TwimlVerb[]; readonly warnings: readonly string[] };

const LONGEST_BYTES = 64 * 1024;
const LONGEST_PARAMETER = 500;
/** Of `<Stream>` (Twilio "TwiML: Stream"). */
const STREAM_ATTRIBUTES = ['url', 'name', 'track', 'statusCallback', 'statusCallbackMethod', 'connectorName'];
const DEFAULT_DIAL_SECONDS = 30;

/**
 * Reads TwiML as Twilio does. What it only warns of (12200: an attribute it does not know) is in `warnings`.
 * @throws Error for what ends the call: 12100 (no XML), 12200 (unknown verb), an address it does not take.
 */
export function readTwiml(text: string): Twiml {
  if (Buffer.byteLength(text) > LONGEST_BYTES) throw new Error('12100: the document is longer than 64 KB');
  let root: XmlElement;
  try {
    root = readXml(text);
  } catch (error) {
    throw new Error(`12100: ${error instanceof Error ? error.message : error}`);
  }
  if (root.name !== 'Response') throw new Error(`12200: <${root.name}> is no <Response>`);
  const warnings: string[] = [];
  return { verbs: root.children.map((verb) => readVerb(verb, warnings)), warnings };
}

function readVerb(verb: XmlElement, warnings: string[]): TwimlVerb {
  const { name, attributes, text } = verb;
  switch (name) {
    case 'Connect':
      return readConnect(verb, warnings);
    case 'Dial':
      return readDial(verb);
    case 'Redirect':
      return { type: 'redirect', url: text };
    case 'Hangup':
      return { type: 'hangup' };
    case 'Reject':
      return { type: 'reject', reason: attributes['reason'] ?? 'rejected' };
    case 'Say':
      return { type: 'say', text };
    case 'Pause':
      return { type: 'pause', seconds: Number(attributes['length'] ?? 1) };
    default:
      throw new Error(`12200: <${name}> is no verb`);
  }
}

function readConnect({ children }: XmlElement, warnings: string[]): TwimlVerb {
  const [stream] = children;
  if (children.length !== 1 || stream?.name !== 'Stream') throw new Error('12200: <Connect> holds one <Stream>');
  const { attributes } = stream;
  const url = attributes['url'] ?? '';
  // A query is dropped on the way by Twilio; parameters belong into <Parameter>.
  if (!/^wss:\/\/[^?#\s]+$/.test(url)) throw new Error(`31941: ${url} is no wss address without a query`);
  if ((attributes['track'] ?? 'inbound_track') !== 'inbound_track')
    throw new Error('31941: <Connect><Stream> takes inbound_track only');
  for (const name of Object.keys(attributes))
    if (!STREAM_ATTRIBUTES.includes(name)) warnings.push(`12200: <Stream> has no attribute ${name}`);
  const statusCallback = attributes['statusCallback'] ?? null;
  return { type: 'stream', url, name: attributes['name'] ?? null, statusCallback, parameters: readParameters(stream) };
}

function readParameters({ children }: XmlElement): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const { name: element, attributes } of children) {
    const { name, value } = attributes;
    if (element !== 'Parameter' || name === undefined || value === undefined)
      throw new Error('12200: <Stream> holds <Parameter name value> only');
    if (name.length + value.length >= LONGEST_PARAMETER) throw new Error(`31941: the parameter ${name} is too long`);
    parameters[name] = value;
  }
  return parameters;
}

function readDial({ attributes, children, text }: XmlElement): TwimlVerb {
  const [inner] = children;
  const number = inner ? inner.text : text;
  if (inner && inner.name !== 'Number' && inner.name !== 'Sip')
    throw new Error(`12200: <Dial> holds no <${inner.name}>`);
  if (number === '') throw new Error('13223: <Dial> without a number');
  return {
    type: 'dial',
    number,
    callerId: attributes['callerId'] ?? null,
    timeoutSeconds: Number(attributes['timeout'] ?? DEFAULT_DIAL_SECONDS),
    action: attributes['action'] ?? null,
  };
}
