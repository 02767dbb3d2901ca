import { randomBytes } from 'node:crypto';
import { decodeMuLaw, encodeMuLaw } from '../../audio/mu-law.ts';
import type { StreamCommand, StreamDialect, StreamText } from '../stream-dialect.ts';
import { hasExactly, readBase64, readObject } from '../strict-json.ts';

export type StreamStart = {
  readonly callSid: string;
  readonly accountSid: string;
  readonly parameters: Readonly<Record<string, string>>;
};

const SAMPLE_RATE = 8_000;
const FRAME_MS = 20;

/**
 * Twilio's end of a bidirectional Media Stream: μ-law at 8 kHz in base64, numbers as strings, marks given back when their audio
 * has sounded or was cleared. What Twilio warns of (31951: a field too many, an unknown streamSid) is a fault here.
 * Source: Twilio "Media Streams: WebSocket messages".
 */
export class TwilioStream implements StreamDialect {
  readonly sampleRate = SAMPLE_RATE;
  readonly mostMessages = null;
  readonly clearReturnsMarks = true;
  readonly streamSid = `MZ${randomBytes(16).toString('hex')}`;
  readonly #start: StreamStart;
  #sequence = 0;
  #chunk = 0;

  constructor(start: StreamStart) {
    this.#start = start;
  }

  opening(): readonly StreamText[] {
    const { callSid, accountSid, parameters } = this.#start;
    const { streamSid } = this;
    return [
      JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' }),
      this.#message('start', {
        start: {
          accountSid,
          streamSid,
          callSid,
          tracks: ['inbound'],
          mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: SAMPLE_RATE, channels: 1 },
          customParameters: parameters,
        },
      }),
    ];
  }

  audio(samples: Int16Array): readonly StreamText[] {
    const timestamp = String(this.#chunk * FRAME_MS);
    const chunk = String(++this.#chunk);
    const payload = Buffer.from(Uint8Array.from(samples, encodeMuLaw)).toString('base64');
    return [this.#message('media', { media: { track: 'inbound', chunk, timestamp, payload } })];
  }

  key(digit: string): readonly StreamText[] {
    return [this.#message('dtmf', { dtmf: { track: 'inbound_track', digit } })];
  }

  mark(name: string): readonly StreamText[] {
    return [this.#message('mark', { mark: { name } })];
  }

  cleared(): readonly StreamText[] {
    return [];
  }

  goodbye(): readonly StreamText[] {
    const { accountSid, callSid } = this.#start;
    return [this.#message('stop', { stop: { accountSid, callSid } })];
  }

  read(message: StreamText): StreamCommand {
    if (typeof message !== 'string') return fault('31951: a binary message');
    const json = readObject(message);
    if (!json) return fault('31951: no JSON object');
    if (json['streamSid'] !== this.streamSid) return fault('31951: a streamSid that is not this one');
    if (json['event'] === 'clear') return hasExactly(json, 'event', 'streamSid') ? { type: 'clear' } : tooMuch(json);
    if (json['event'] === 'mark') return this.#readMark(json);
    if (json['event'] === 'media') return this.#readMedia(json);
    return fault(`31951: the event ${String(json['event'])}`);
  }

  #readMark(json: Readonly<Record<string, unknown>>): StreamCommand {
    const { mark } = json;
    if (!hasExactly(json, 'event', 'streamSid', 'mark') || !hasExactly(mark, 'name')) return tooMuch(json);
    const { name } = mark as { name?: unknown };
    return typeof name === 'string' ? { type: 'mark', name } : fault('31951: a mark without a name');
  }

  #readMedia(json: Readonly<Record<string, unknown>>): StreamCommand {
    const { media } = json;
    if (!hasExactly(json, 'event', 'streamSid', 'media') || !hasExactly(media, 'payload')) return tooMuch(json);
    const bytes = readBase64((media as { payload?: unknown }).payload);
    return bytes ? { type: 'audio', samples: Int16Array.from(bytes, decodeMuLaw) } : fault('31951: no base64');
  }

  #message(event: string, fields: object): string {
    this.#sequence++;
    return JSON.stringify({ event, sequenceNumber: String(this.#sequence), ...fields, streamSid: this.streamSid });
  }
}

function fault(how: string): StreamCommand {
  return { type: 'fault', how };
}

function tooMuch(json: object): StreamCommand {
  return fault(`31951: fields that are not asked for in ${Object.keys(json).join(', ')}`);
}
