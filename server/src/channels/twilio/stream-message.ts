import { type DecodePayload, type ScannedMessage, scanStreamMessage } from './stream-scan.ts';

/**
 * What Twilio says on a Media Stream, translated. Source: Twilio "Media Streams - WebSocket messages".
 * Sequence numbers and timestamps arrive as strings; unknown events are `ignored`, as new ones may come.
 */
export type StreamMessage =
  | ScannedMessage
  | {
      readonly type: 'start';
      readonly streamSid: string;
      readonly callSid: string;
      readonly accountSid: string;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | { readonly type: 'dtmf'; readonly digit: string }
  | { readonly type: 'stop' }
  | { readonly type: 'ignored'; readonly event: string }
  | { readonly type: 'malformed'; readonly reason: string };

/**
 * Reads one text message. The shapes that make up all but a few messages of a call are scanned without building objects;
 * anything else goes through JSON.parse, and both agree (a property test holds them to it).
 */
export function parseStreamMessage(message: Buffer, decode: DecodePayload): StreamMessage {
  return scanStreamMessage(message, decode) ?? parseJson(message, decode);
}

type Loose = Readonly<Record<string, unknown>>;

function parseJson(message: Buffer, decode: DecodePayload): StreamMessage {
  let json: unknown;
  try {
    json = JSON.parse(message.toString('utf8'));
  } catch {
    return { type: 'malformed', reason: 'no JSON' };
  }
  if (!isObject(json)) return { type: 'malformed', reason: 'no JSON object' };
  switch (json['event']) {
    case 'start':
      return readStart(object(json['start']));
    case 'media':
      return readMedia(json, decode);
    case 'dtmf':
      return readDigit(text(object(json['dtmf'])['digit']));
    case 'mark':
      return { type: 'mark', name: text(object(json['mark'])['name']) };
    case 'stop':
      return { type: 'stop' };
    default:
      return { type: 'ignored', event: text(json['event']).slice(0, 40) };
  }
}

function readStart(start: Loose): StreamMessage {
  const streamSid = text(start['streamSid']);
  const callSid = text(start['callSid']);
  if (!streamSid || !callSid) return { type: 'malformed', reason: 'start without streamSid or callSid' };
  const parameters = Object.entries(object(start['customParameters'])).map(([name, value]) => [name, text(value)]);
  return {
    type: 'start',
    streamSid,
    callSid,
    accountSid: text(start['accountSid']),
    parameters: Object.fromEntries(parameters),
  };
}

function readMedia(json: Loose, decode: DecodePayload): StreamMessage {
  const media = object(json['media']);
  const track = text(media['track']);
  if (track !== '' && track !== 'inbound') return { type: 'ignored', event: 'media of another track' };
  const payload = Buffer.from(text(media['payload']), 'latin1');
  const samples = decode(payload, 0, payload.length);
  if (samples < 0) return { type: 'malformed', reason: 'the payload is no base64' };
  return { type: 'media', samples, sequence: Number(text(json['sequenceNumber'])) || 0 };
}

function readDigit(digit: string): StreamMessage {
  return /^[0-9*#A-D]$/.test(digit) ? { type: 'dtmf', digit } : { type: 'malformed', reason: 'dtmf without a digit' };
}

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown): Loose {
  return isObject(value) ? value : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** What stands around the base64 of a media message. Twilio rejects any further field (warning 31951), so these are all there is. */
export function mediaEnds(streamSid: string): { readonly head: Buffer; readonly tail: Buffer } {
  const id = JSON.stringify(streamSid);
  return { head: Buffer.from(`{"event":"media","streamSid":${id},"media":{"payload":"`), tail: Buffer.from('"}}') };
}

export function markMessage(streamSid: string, name: string): string {
  return `{"event":"mark","streamSid":${JSON.stringify(streamSid)},"mark":{"name":${JSON.stringify(name)}}}`;
}

export function clearMessage(streamSid: string): string {
  return JSON.stringify({ event: 'clear', streamSid });
}
