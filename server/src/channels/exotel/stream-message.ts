import type { MediaFormat } from './wire-format.ts';

/**
 * What Exotel says on a stream, translated. Its documents write snake_case, its own samples camelCase and `Event`; numbers come
 * as strings or as numbers. Source: Exotel "Voicebot applet", "AgentStream"; exotel/Agent-Stream.
 */
export type StreamMessage =
  | { readonly type: 'start'; readonly streamSid: string; readonly format: MediaFormat }
  /** `payload` is base64, not yet decoded; the timestamp is null where there is none. */
  | { readonly type: 'media'; readonly payload: string; readonly timestampMs: number | null }
  | { readonly type: 'dtmf'; readonly digit: string }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'stop' }
  | { readonly type: 'ignored'; readonly event: string }
  | { readonly type: 'malformed'; readonly reason: string };

type Loose = Readonly<Record<string, unknown>>;

export function parseStreamMessage(message: string): StreamMessage {
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return { type: 'malformed', reason: 'no JSON' };
  }
  if (!isObject(json)) return { type: 'malformed', reason: 'no JSON object' };
  const event = text(json['event'] ?? json['Event']);
  switch (event.toLowerCase()) {
    case 'start':
      return readStart(json);
    case 'media':
      return readMedia(object(json['media']));
    case 'dtmf':
      return readDigit(text(object(json['dtmf'])['digit']));
    case 'mark':
      return { type: 'mark', name: text(object(json['mark'])['name']) };
    case 'stop':
    case 'closed':
      return { type: 'stop' };
    default:
      return { type: 'ignored', event: event.slice(0, 40) };
  }
}

function readStart(json: Loose): StreamMessage {
  const start = object(json['start']);
  const streamSid = either(json, 'stream_sid', 'streamSid') || either(start, 'stream_sid', 'streamSid');
  if (streamSid === '') return { type: 'malformed', reason: 'start without stream_sid' };
  const format = object(start['media_format'] ?? start['mediaFormat']);
  const encoding = text(format['encoding']);
  const sampleRate = either(format, 'sample_rate', 'sampleRate');
  const bitRate = either(format, 'bit_rate', 'bitRate');
  return {
    type: 'start',
    streamSid,
    format: { ...(encoding && { encoding }), ...(sampleRate && { sampleRate }), ...(bitRate && { bitRate }) },
  };
}

function readMedia(media: Loose): StreamMessage {
  const payload = text(media['payload']);
  // Node's decoder takes anything; what is no base64 would become noise in somebody's ear.
  if (payload.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(payload)) {
    return { type: 'malformed', reason: 'the payload is no base64' };
  }
  const timestamp = text(media['timestamp']);
  const timestampMs = timestamp !== '' && Number.isFinite(Number(timestamp)) ? Number(timestamp) : null;
  return { type: 'media', payload, timestampMs };
}

function readDigit(digit: string): StreamMessage {
  return /^[0-9*#A-D]$/.test(digit) ? { type: 'dtmf', digit } : { type: 'malformed', reason: 'dtmf without a digit' };
}

function either(source: Loose, one: string, other: string): string {
  return text(source[one] ?? source[other]);
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

/** The beginning of every message of ours: the stream's id under both keys, as the field does not agree on one. */
export function streamKeys(streamSid: string): string {
  const sid = JSON.stringify(streamSid);
  return `"stream_sid":${sid},"streamSid":${sid}`;
}

export function mediaMessage(keys: string, base64: string): string {
  return `{"event":"media",${keys},"media":{"payload":"${base64}"}}`;
}

/** Comes back once all audio sent before it was played. */
export function markMessage(keys: string, name: string): string {
  return `{"event":"mark",${keys},"mark":{"name":${JSON.stringify(name)}}}`;
}

export function clearMessage(keys: string): string {
  return `{"event":"clear",${keys}}`;
}
