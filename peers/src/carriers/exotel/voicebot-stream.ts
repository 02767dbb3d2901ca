import { decodeMuLaw, encodeMuLaw } from '../../audio/mu-law.ts';
import type { StreamCommand, StreamDialect, StreamText } from '../stream-dialect.ts';
import { isObject, readBase64, readObject } from '../strict-json.ts';

export type ExotelStart = {
  readonly callSid: string;
  readonly accountSid: string;
  readonly from: string;
  readonly to: string;
  readonly encoding: 'linear' | 'mulaw';
  readonly sampleRate: number;
  /** False: `start` says nothing of the format, and the audio must tell. */
  readonly saysFormat: boolean;
};

/** A message of the caller's audio holds so much … */
const MESSAGE_MS = 100;
/** … and one of ours whole multiples of this, from 3.2 kB for smooth playing up to 100 kB. Source: Exotel "Voicebot applet". */
const BLOCK_BYTES = 320;
const MOST_BYTES = 100_000;

/** Exotel's end of a Voicebot stream: JSON text in snake_case, numbers as strings. Source: Exotel "Voicebot applet". */
export class ExotelStream implements StreamDialect {
  readonly sampleRate: number;
  readonly mostMessages = null;
  readonly clearReturnsMarks = false;
  readonly streamSid: string;
  /** Bytes of each message of ours, in order. */
  readonly messageBytes: number[] = [];
  readonly #start: ExotelStart;
  readonly #bytesPerMs: number;
  #sequence = 0;
  #chunk = 0;
  #collected: Buffer[] = [];
  #collectedBytes = 0;

  constructor(start: ExotelStart) {
    this.sampleRate = start.sampleRate;
    this.streamSid = `stream-${start.callSid}`;
    this.#start = start;
    this.#bytesPerMs = (start.sampleRate / 1000) * (start.encoding === 'linear' ? 2 : 1);
  }

  opening(): readonly StreamText[] {
    const { callSid, accountSid, from, to, encoding, sampleRate, saysFormat } = this.#start;
    const isLinear = encoding === 'linear';
    const format = {
      encoding: isLinear ? 'base64' : 'audio/x-mulaw',
      sample_rate: String(sampleRate),
      bit_rate: `${this.#bytesPerMs * 8}kbps`,
    };
    const start = {
      stream_sid: this.streamSid,
      call_sid: callSid,
      account_sid: accountSid,
      from,
      to,
      custom_parameters: {},
      ...(saysFormat && { media_format: format }),
    };
    return [JSON.stringify({ event: 'connected' }), this.#message('start', { start })];
  }

  audio(samples: Int16Array): readonly StreamText[] {
    const bytes =
      this.#start.encoding === 'linear'
        ? Buffer.from(samples.slice().buffer)
        : Buffer.from(Uint8Array.from(samples, encodeMuLaw));
    this.#collected.push(bytes);
    this.#collectedBytes += bytes.length;
    if (this.#collectedBytes < MESSAGE_MS * this.#bytesPerMs) return [];
    const payload = Buffer.concat(this.#collected).toString('base64');
    this.#collected = [];
    this.#collectedBytes = 0;
    const timestamp = String(this.#chunk * MESSAGE_MS);
    return [this.#message('media', { media: { chunk: String(++this.#chunk), timestamp, payload } })];
  }

  key(digit: string): readonly StreamText[] {
    return [this.#message('dtmf', { dtmf: { duration: '100', digit } })];
  }

  mark(name: string): readonly StreamText[] {
    return [this.#message('mark', { mark: { name } })];
  }

  cleared(): readonly StreamText[] {
    return [];
  }

  goodbye(): readonly StreamText[] {
    const { callSid, accountSid } = this.#start;
    return [this.#message('stop', { stop: { call_sid: callSid, account_sid: accountSid, reason: 'callended' } })];
  }

  read(message: StreamText): StreamCommand {
    const json = typeof message === 'string' ? readObject(message) : null;
    if (!json) return fault('a message that is no JSON object');
    if (json['stream_sid'] !== this.streamSid) return fault('a stream_sid that is not this one');
    const { event, media, mark } = json;
    if (event === 'clear') return { type: 'clear' };
    if (event === 'mark' && isObject(mark) && typeof mark['name'] === 'string')
      return { type: 'mark', name: mark['name'] };
    if (event === 'media' && isObject(media)) return this.#readMedia(media);
    return fault(`the event ${String(event)}`);
  }

  #readMedia(media: Readonly<Record<string, unknown>>): StreamCommand {
    const bytes = readBase64(media['payload']);
    if (!bytes) return fault('a payload that is no base64');
    if (bytes.length === 0 || bytes.length % BLOCK_BYTES !== 0 || bytes.length > MOST_BYTES)
      return fault(`a payload of ${bytes.length} bytes: whole multiples of ${BLOCK_BYTES} up to ${MOST_BYTES}`);
    this.messageBytes.push(bytes.length);
    const samples =
      this.#start.encoding === 'linear'
        ? new Int16Array(Uint8Array.from(bytes).buffer)
        : Int16Array.from(bytes, decodeMuLaw);
    return { type: 'audio', samples };
  }

  #message(event: string, fields: object): string {
    this.#sequence++;
    return JSON.stringify({
      event,
      sequence_number: String(this.#sequence),
      stream_sid: this.streamSid,
      ...fields,
    });
  }
}

function fault(how: string): StreamCommand {
  return { type: 'fault', how };
}
