/**
 * The text messages of Asterisk's chan_websocket, in both of its spellings: plain text (`MEDIA_START key:value …`) and JSON
 * (`{"event":"MEDIA_START",…}`). A call uses one of them throughout: the one its MEDIA_START came in.
 * Source: docs.asterisk.org "WebSocket"; channels/chan_websocket.c; seen with Asterisk 22.10.
 */
export type ControlEvent =
  | {
      readonly type: 'media_start';
      /** As Asterisk names it: ulaw, alaw, slin, slin16 … */
      readonly format: string;
      /** Bytes; media must come in whole multiples of it. 0 for a passthrough codec, whose frames have no fixed size. */
      readonly optimalFrameSize: number;
      readonly ptimeMs: number;
      /** Lower-case names without leading underscores; empty in plain text. */
      readonly variables: Readonly<Record<string, string>>;
      readonly channelId: string | null;
    }
  | { readonly type: 'dtmf'; readonly digit: string }
  | { readonly type: 'xoff' }
  | { readonly type: 'xon' }
  | { readonly type: 'mark_processed'; readonly mark: string }
  | { readonly type: 'queue_drained' }
  | { readonly type: 'buffering_completed'; readonly id: string }
  | { readonly type: 'status'; readonly queueLength: number; readonly isPaused: boolean }
  | { readonly type: 'error'; readonly text: string }
  | { readonly type: 'ignored'; readonly event: string }
  | { readonly type: 'malformed'; readonly reason: string };

export type ControlFormat = 'plain-text' | 'json';

/** Which spelling a message is in: JSON begins with a brace. */
export function controlFormatOf(message: string): ControlFormat {
  return message.trimStart().startsWith('{') ? 'json' : 'plain-text';
}

export function parseControlEvent(message: string): ControlEvent {
  return controlFormatOf(message) === 'json' ? parseJson(message) : translate(readPlainText(message));
}

type Fields = { readonly event: string; readonly words: Readonly<Record<string, string>>; readonly bareWord: string };

const ERROR_TEXT = ' error_text:';

/** `EVENT key:value key:value`, any order, first colon divides; a mark's id may stand bare. An error text runs to the end. */
function readPlainText(message: string): Fields & { readonly variables: Readonly<Record<string, string>> } {
  const errorAt = message.indexOf(ERROR_TEXT);
  const head = errorAt < 0 ? message : message.slice(0, errorAt);
  const [event = '', ...rest] = head.trim().split(/\s+/);
  const words: Record<string, string> = Object.create(null);
  let bareWord = '';
  for (const word of rest) {
    const colon = word.indexOf(':');
    if (colon > 0) words[word.slice(0, colon)] = word.slice(colon + 1);
    else bareWord ||= word;
  }
  if (errorAt >= 0) words['error_text'] = message.slice(errorAt + ERROR_TEXT.length);
  return { event, words, bareWord: bareWord || rest.join(' '), variables: {} };
}

function parseJson(message: string): ControlEvent {
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return { type: 'malformed', reason: 'no JSON' };
  }
  if (!isObject(json)) return { type: 'malformed', reason: 'no JSON object' };
  const variables = isObject(json['channel_variables']) ? stringsOf(json['channel_variables'], variableName) : {};
  const words = stringsOf(json, (name) => name);
  return translate({ event: words['event'] ?? '', words, bareWord: words['correlation_id'] ?? '', variables });
}

function translate(fields: Fields & { readonly variables: Readonly<Record<string, string>> }): ControlEvent {
  const { event, words, bareWord } = fields;
  switch (event) {
    case 'MEDIA_START':
      return readMediaStart(words, fields.variables);
    case 'DTMF_END':
      return readDigit(words['digit'] ?? '');
    case 'MEDIA_XOFF':
      return { type: 'xoff' };
    case 'MEDIA_XON':
      return { type: 'xon' };
    case 'MEDIA_MARK_PROCESSED':
      return { type: 'mark_processed', mark: words['correlation_id'] ?? bareWord };
    case 'MEDIA_BUFFERING_COMPLETED':
      return { type: 'buffering_completed', id: words['correlation_id'] ?? bareWord };
    case 'QUEUE_DRAINED':
      return { type: 'queue_drained' };
    case 'STATUS':
      return {
        type: 'status',
        queueLength: Number(words['queue_length']) || 0,
        isPaused: words['media_paused'] === 'true',
      };
    case 'ERROR':
      return { type: 'error', text: words['error_text'] ?? '' };
    default:
      return { type: 'ignored', event: event.slice(0, 40) };
  }
}

const DEFAULT_PTIME_MS = 20;

function readMediaStart(
  words: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): ControlEvent {
  const format = words['format'] ?? '';
  const optimalFrameSize = Number(words['optimal_frame_size']);
  if (!format) return { type: 'malformed', reason: 'MEDIA_START without a format' };
  if (!Number.isInteger(optimalFrameSize) || optimalFrameSize < 0) {
    return { type: 'malformed', reason: 'MEDIA_START without a usable optimal_frame_size' };
  }
  const ptimeMs = Number(words['ptime']) || DEFAULT_PTIME_MS;
  return { type: 'media_start', format, optimalFrameSize, ptimeMs, variables, channelId: words['channel_id'] ?? null };
}

function readDigit(digit: string): ControlEvent {
  return /^[0-9*#A-D]$/.test(digit)
    ? { type: 'dtmf', digit }
    : { type: 'malformed', reason: 'DTMF_END without a digit' };
}

/** Variables that a channel inherits keep the underscores they were set with: `__RAPIDA_CONTEXT_ID` (seen with 22.10). */
const variableName = (name: string) => name.replace(/^_+/, '').toLowerCase();

function stringsOf(
  source: Readonly<Record<string, unknown>>,
  rename: (name: string) => string,
): Record<string, string> {
  const words: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(source)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      words[rename(name)] = String(value);
  }
  return words;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const CONTROL_COMMANDS = [
  'ANSWER',
  'HANGUP',
  'START_MEDIA_BUFFERING',
  'STOP_MEDIA_BUFFERING',
  'MARK_MEDIA',
  'FLUSH_MEDIA',
  'PAUSE_MEDIA',
  'CONTINUE_MEDIA',
  'GET_STATUS',
  'REPORT_QUEUE_DRAINED',
] as const;
export type ControlCommand = (typeof CONTROL_COMMANDS)[number];

/** Asterisk ignores a longer text message, with a warning on its side only. */
export const LONGEST_COMMAND_BYTES = 128;

/** A command in the call's own spelling. @throws RangeError over 128 bytes: keep correlation ids short. */
export function controlCommand(format: ControlFormat, command: ControlCommand, correlationId?: string): string {
  const text =
    format === 'json'
      ? JSON.stringify({ command, ...(correlationId === undefined ? {} : { correlation_id: correlationId }) })
      : correlationId === undefined
        ? command
        : `${command} ${correlationId}`;
  if (Buffer.byteLength(text) > LONGEST_COMMAND_BYTES) {
    throw new RangeError(
      `${command} would take ${Buffer.byteLength(text)} bytes, Asterisk reads ${LONGEST_COMMAND_BYTES}`,
    );
  }
  return text;
}
