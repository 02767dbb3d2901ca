/** The two messages that come all the time. */
export type ScannedMessage =
  /** `samples` of the message went into the buffer handed to the parser. */
  | { readonly type: 'media'; readonly samples: number; readonly sequence: number }
  | { readonly type: 'mark'; readonly name: string };

/** Decodes base64 μ-law into PCM; -1 when the text is no base64. Handed in, as G.711 lives in the audio room. */
export type DecodePayload = (base64: Buffer, from: number, to: number) => number;

const MEDIA_HEAD = Buffer.from('{"event":"media","sequenceNumber":"');
const MARK_HEAD = Buffer.from('{"event":"mark","sequenceNumber":"');
const NEXT_MEMBER = Buffer.from('",');
const STREAM_SID = Buffer.from('"streamSid":"');
const TRACK = Buffer.from('"media":{"track":"inbound","chunk":"');
const TIMESTAMP = Buffer.from('","timestamp":"');
const PAYLOAD = Buffer.from('","payload":"');
const NAME = Buffer.from('"mark":{"name":"');
const END = Buffer.from('"}}');
const END_WITH_ID = Buffer.from('"},"streamSid":"');
/** Where the two differ. */
const LETTER_AT = '{"event":"ma'.length;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
/** More digits than that are no exact number. */
const MOST_DIGITS = 15;
const NONE = -1;

/**
 * Reads the two messages that come all the time, exactly as Twilio writes them (the stream's id before or behind `media`),
 * without building objects; null for anything else, which is not for that reason wrong.
 */
export function scanStreamMessage(message: Buffer, decode: DecodePayload): ScannedMessage | null {
  return message[LETTER_AT] === MARK_HEAD[LETTER_AT] ? scanMark(message) : scanMedia(message, decode);
}

function scanMedia(message: Buffer, decode: DecodePayload): ScannedMessage | null {
  const sequenceAt = skip(message, 0, MEDIA_HEAD);
  const sequenceEnd = skipDigits(message, sequenceAt);
  const chunkAt = skip(message, skipId(message, skip(message, sequenceEnd, NEXT_MEMBER)), TRACK);
  const timestampAt = skip(message, skipDigits(message, chunkAt), TIMESTAMP);
  const from = skip(message, skipDigits(message, timestampAt), PAYLOAD);
  const to = from === NONE ? NONE : payloadEnd(message);
  if (to < from || to === NONE) return null;
  const samples = decode(message, from, to);
  return samples < 0 ? null : { type: 'media', samples, sequence: readNumber(message, sequenceAt, sequenceEnd) };
}

function scanMark(message: Buffer): ScannedMessage | null {
  const sequenceEnd = skipDigits(message, skip(message, 0, MARK_HEAD));
  const from = skip(message, skipId(message, skip(message, sequenceEnd, NEXT_MEMBER)), NAME);
  const to = skipText(message, from);
  if (to === NONE || skip(message, to, END) !== message.length) return null;
  return { type: 'mark', name: message.toString('latin1', from, to) };
}

/** Returns the position behind `text` when it stands at `at`. `NONE` stays `NONE`, here and below, so that steps follow each other. */
function skip(message: Buffer, at: number, text: Uint8Array): number {
  if (at === NONE || message.length - at < text.length) return NONE;
  for (let index = 0; index < text.length; index++) if (message[at + index] !== text[index]) return NONE;
  return at + text.length;
}

function skipDigits(message: Buffer, from: number): number {
  if (from === NONE) return NONE;
  let at = from;
  while (isDigit(message[at])) at++;
  return at > from && at - from <= MOST_DIGITS ? at : NONE;
}

/** The stream's id, where it stands here. */
function skipId(message: Buffer, at: number): number {
  const idAt = skip(message, at, STREAM_SID);
  return idAt === NONE ? at : skip(message, skipText(message, idAt), NEXT_MEMBER);
}

/** To the quote that ends a text without escapes, of ASCII. */
function skipText(message: Buffer, from: number): number {
  if (from === NONE) return NONE;
  for (let at = from; at < message.length; at++) {
    if (message[at] === QUOTE) return at;
    if (!isPlain(message[at])) return NONE;
  }
  return NONE;
}

/** Found from behind: there stands nothing, or the stream's id. Quotes in between are no base64. */
function payloadEnd(message: Buffer): number {
  const { length } = message;
  if (message[length - 1] !== BRACE) return NONE;
  if (message[length - 2] === BRACE) return message[length - 3] === QUOTE ? length - END.length : NONE;
  if (message[length - 2] !== QUOTE) return NONE;
  let at = length - 3;
  while (at > 0 && message[at] !== QUOTE && isPlain(message[at])) at--;
  const from = at + 1 - END_WITH_ID.length;
  return from > 0 && skip(message, from, END_WITH_ID) === at + 1 ? from : NONE;
}

function readNumber(message: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (message[at] as number) - 0x30;
  return value;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isPlain(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x20 && byte < 0x80 && byte !== BACKSLASH;
}
