/**
 * What Twilio says on a Media Stream, translated. Source: Twilio "Media Streams - WebSocket messages".
 * Sequence numbers and timestamps arrive as strings; unknown events are `ignored`, as new ones may come.
 */
export type StreamMessage =
  | {
      readonly type: 'start';
      readonly streamSid: string;
      readonly callSid: string;
      readonly accountSid: string;
      readonly parameters: Readonly<Record<string, string>>;
    }
  /** `samples` of the message went into the buffer handed to the parser. */
  | { readonly type: 'media'; readonly samples: number; readonly sequence: number }
  | { readonly type: 'dtmf'; readonly digit: string }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'stop' }
  | { readonly type: 'ignored'; readonly event: string }
  | { readonly type: 'malformed'; readonly reason: string };

/** Decodes base64 μ-law into PCM; -1 when the text is no base64. Handed in, as G.711 lives in the audio room. */
export type DecodePayload = (base64: Buffer, from: number, to: number) => number;

const MEDIA_HEAD = Buffer.from('{"event":"media"');
const PAYLOAD_HEAD = Buffer.from('"payload":"');
const SEQUENCE_HEAD = Buffer.from('"sequenceNumber":"');
const STREAM_SID_HEAD = Buffer.from(',"streamSid":"');
const QUOTE = 0x22;
const BRACE = 0x7d;

/**
 * Reads one text message. The shape that makes up all but a few messages of a call is scanned without building objects;
 * anything else goes through JSON.parse, and both agree (a property test holds them to it).
 */
export function parseStreamMessage(message: Buffer, decode: DecodePayload): StreamMessage {
  return scanMedia(message, decode) ?? parseJson(message, decode);
}

function scanMedia(message: Buffer, decode: DecodePayload): StreamMessage | null {
  if (
    message.length < MEDIA_HEAD.length ||
    message.compare(MEDIA_HEAD, 0, MEDIA_HEAD.length, 0, MEDIA_HEAD.length) !== 0
  ) {
    return null;
  }
  const payloadAt = message.indexOf(PAYLOAD_HEAD);
  if (payloadAt < 0 || message.indexOf(PAYLOAD_HEAD, payloadAt + PAYLOAD_HEAD.length) >= 0) return null;
  const from = payloadAt + PAYLOAD_HEAD.length;
  const to = message.indexOf(QUOTE, from);
  // A track other than the caller's, an escape, or a nested object: rare enough to be read slowly.
  if (to < 0 || message.indexOf('\\') >= 0 || message.indexOf('"track":"inbound"') < 0 || !closes(message, to))
    return null;
  const sequence = readSequence(message);
  if (sequence < 0) return null;
  const samples = decode(message, from, to);
  return samples < 0 ? { type: 'malformed', reason: 'the payload is no base64' } : { type: 'media', samples, sequence };
}

/** What closes a message stands behind the payload: nothing else, or the id of the stream. */
function closes(message: Buffer, quoteAt: number): boolean {
  if (message[quoteAt + 1] !== BRACE) return false;
  if (message[quoteAt + 2] === BRACE) return quoteAt + 3 === message.length;
  const idAt = quoteAt + 2 + STREAM_SID_HEAD.length;
  if (message.compare(STREAM_SID_HEAD, 0, STREAM_SID_HEAD.length, quoteAt + 2, idAt) !== 0) return false;
  const end = message.indexOf(QUOTE, idAt);
  return end > 0 && message[end + 1] === BRACE && end + 2 === message.length;
}

function readSequence(message: Buffer): number {
  const at = message.indexOf(SEQUENCE_HEAD);
  if (at < 0) return -1;
  let value = 0;
  for (let index = at + SEQUENCE_HEAD.length; ; index++) {
    const byte = message[index];
    if (byte === QUOTE) return index === at + SEQUENCE_HEAD.length ? -1 : value;
    if (byte === undefined || byte < 0x30 || byte > 0x39) return -1;
    value = value * 10 + byte - 0x30;
  }
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

/** Twilio rejects any further field (warning 31951), so these are all there is. */
export function mediaMessage(streamSid: string, base64: string): string {
  return `{"event":"media","streamSid":"${streamSid}","media":{"payload":"${base64}"}}`;
}

export function markMessage(streamSid: string, name: string): string {
  return JSON.stringify({ event: 'mark', streamSid, mark: { name } });
}

export function clearMessage(streamSid: string): string {
  return JSON.stringify({ event: 'clear', streamSid });
}
