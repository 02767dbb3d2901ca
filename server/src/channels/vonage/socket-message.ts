/** What Vonage says in text on its WebSocket; audio comes as binary. Source: Vonage "WebSockets" guide. */
export type SocketMessage =
  | { readonly type: 'connected'; readonly sampleRate: number }
  | { readonly type: 'dtmf'; readonly digit: string }
  | { readonly type: 'cleared' }
  /** The payload of our own `notify`, back once everything before it was played. */
  | { readonly type: 'notify'; readonly mark: string }
  | { readonly type: 'ignored'; readonly event: string }
  | { readonly type: 'malformed'; readonly reason: string };

const RATES = [8_000, 16_000, 24_000];

/** Our own notice, as it comes back ten times a second. */
const NOTIFY = /^\{"event":"websocket:notify","payload":\{"mark":"(\w+)"\}\}$/;

export function parseSocketMessage(message: string): SocketMessage {
  const mark = NOTIFY.exec(message)?.[1];
  if (mark !== undefined) return { type: 'notify', mark };
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return { type: 'malformed', reason: 'no JSON' };
  }
  if (!isObject(json)) return { type: 'malformed', reason: 'no JSON object' };
  switch (json['event']) {
    case 'websocket:connected':
      return readConnected(String(json['content-type'] ?? ''));
    case 'websocket:dtmf':
      return readDigit(String(json['digit'] ?? ''));
    case 'websocket:cleared':
      return { type: 'cleared' };
    case 'websocket:notify':
      return { type: 'notify', mark: isObject(json['payload']) ? String(json['payload']['mark'] ?? '') : '' };
    default:
      return { type: 'ignored', event: String(json['event']).slice(0, 40) };
  }
}

function readConnected(contentType: string): SocketMessage {
  const sampleRate = Number(/rate=(\d+)/.exec(contentType)?.[1]);
  if (RATES.includes(sampleRate)) return { type: 'connected', sampleRate };
  return { type: 'malformed', reason: `content-type ${contentType.slice(0, 60)} is not linear PCM at 8, 16 or 24 kHz` };
}

function readDigit(digit: string): SocketMessage {
  return /^[0-9*#A-D]$/.test(digit) ? { type: 'dtmf', digit } : { type: 'malformed', reason: 'dtmf without a digit' };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const CLEAR_MESSAGE = '{"action":"clear"}';

/** Comes back as `websocket:notify` once all audio sent before it was played. */
export function notifyMessage(mark: string): string {
  return `{"action":"notify","payload":{"mark":${JSON.stringify(mark)}}}`;
}
