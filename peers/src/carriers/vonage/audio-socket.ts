import { FRAME_MS } from '../carrier-playout.ts';
import type { StreamCommand, StreamDialect, StreamText } from '../stream-dialect.ts';
import { hasExactly, isObject, readObject } from '../strict-json.ts';

/** Messages Vonage buffers: the smaller of the two figures it has published. Source: Vonage "WebSockets" guide. */
const MOST_MESSAGES = 1_024;
const KEY_MS = 260;

/**
 * Vonage's end of a WebSocket: linear PCM, little-endian, a frame of exactly 20 ms a message, both ways; control as JSON text.
 * There is no word of goodbye. Source: Vonage "WebSockets" guide.
 */
export class VonageSocket implements StreamDialect {
  readonly sampleRate: number;
  readonly mostMessages = MOST_MESSAGES;
  readonly clearReturnsMarks = false;
  readonly #headers: Readonly<Record<string, unknown>>;
  readonly #frameBytes: number;

  constructor(sampleRate: number, headers: Readonly<Record<string, unknown>> = {}) {
    this.sampleRate = sampleRate;
    this.#headers = headers;
    this.#frameBytes = (sampleRate * FRAME_MS * 2) / 1000;
  }

  opening(): readonly StreamText[] {
    const contentType = `audio/l16;rate=${this.sampleRate}`;
    return [JSON.stringify({ event: 'websocket:connected', 'content-type': contentType, ...this.#headers })];
  }

  audio(samples: Int16Array): readonly StreamText[] {
    return [Buffer.from(samples.slice().buffer)];
  }

  key(digit: string): readonly StreamText[] {
    return [JSON.stringify({ event: 'websocket:dtmf', digit, duration: KEY_MS })];
  }

  /** A mark is the payload of a notify, as text. */
  mark(name: string): readonly StreamText[] {
    return [JSON.stringify({ event: 'websocket:notify', payload: JSON.parse(name) as unknown })];
  }

  cleared(): readonly StreamText[] {
    return [JSON.stringify({ event: 'websocket:cleared' })];
  }

  goodbye(): readonly StreamText[] {
    return [];
  }

  read(message: StreamText): StreamCommand {
    if (typeof message !== 'string') return this.#readFrame(message);
    const json = readObject(message);
    if (json?.['action'] === 'clear' && hasExactly(json, 'action')) return { type: 'clear' };
    if (json?.['action'] === 'notify' && hasExactly(json, 'action', 'payload') && isObject(json['payload'])) {
      return { type: 'mark', name: JSON.stringify(json['payload']) };
    }
    return { type: 'fault', how: `Vonage knows no ${message.slice(0, 80)}` };
  }

  #readFrame(message: Buffer): StreamCommand {
    if (message.length !== this.#frameBytes) {
      const how = `a message of ${message.length} bytes: at ${this.sampleRate} Hz each is ${this.#frameBytes}`;
      return { type: 'fault', how };
    }
    return { type: 'audio', samples: new Int16Array(Uint8Array.from(message).buffer) };
  }
}
