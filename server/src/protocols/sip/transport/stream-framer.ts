import {
  MAX_HEADER_CHARS,
  MAX_HEADERS,
  MAX_MESSAGE_BYTES,
  type ParseResult,
  parseMessage,
} from '../message/parse-message.ts';

const CRLF = Buffer.from('\r\n');
const EMPTY_LINE = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = Math.min(MAX_MESSAGE_BYTES, MAX_HEADERS * MAX_HEADER_CHARS);

/** What a stream held: a message, a keep-alive ping to be answered with CRLF (RFC 5626, 4.4.1), or the reason to close it. */
export type StreamItem =
  | { readonly type: 'message'; readonly result: ParseResult }
  | { readonly type: 'ping' }
  | { readonly type: 'broken'; readonly reason: string };

/**
 * Cuts a byte stream into messages (RFC 3261, 18.3): headers up to an empty line, then Content-Length bytes of body.
 *
 *     ( CRLF )*  start-line CRLF  headers CRLF  CRLF  body
 *
 * Two CRLFs between messages are a ping, one is a pong. A stream whose framing is lost cannot be found again: after
 * `broken` nothing more comes out. At most one unfinished message is held.
 */
export class StreamFramer {
  #pending = Buffer.alloc(0);
  #isBroken = false;
  #isUnframed = false;

  /** Whether a message has begun and waits for its rest: what the slow-sender timer watches. */
  get isInsideMessage(): boolean {
    return this.#pending.length > 0;
  }

  /** Takes bytes as they came, yields what is complete. */
  *push(chunk: Uint8Array): Generator<StreamItem> {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    while (!this.#isBroken) {
      const item = this.#next();
      if (!item) return;
      this.#isBroken = item.type === 'broken';
      yield item;
    }
  }

  #next(): StreamItem | undefined {
    if (this.#isUnframed) return { type: 'broken', reason: 'a message without Content-Length' };
    const keepAlive = this.#skipKeepAlive();
    if (keepAlive) return keepAlive;
    const headEnd = this.#pending.indexOf(EMPTY_LINE);
    if (headEnd < 0) {
      if (this.#pending.length > MAX_HEAD_BYTES) return { type: 'broken', reason: 'headers over 64 KiB' };
      return undefined;
    }
    const bodyStart = headEnd + EMPTY_LINE.length;
    const length = contentLength(this.#pending.toString('latin1', 0, headEnd));
    if (length === undefined) return this.#unframed(bodyStart);
    const end = bodyStart + length;
    if (end > MAX_MESSAGE_BYTES) return { type: 'broken', reason: 'a message over 64 KiB' };
    if (this.#pending.length < end) return undefined;
    return { type: 'message', result: parseMessage(this.#take(end), 'stream') };
  }

  /** 18.3: without a usable Content-Length the request is refused, and where the next one starts is unknown. */
  #unframed(bodyStart: number): StreamItem {
    this.#isUnframed = true;
    return { type: 'message', result: parseMessage(this.#take(bodyStart), 'stream') };
  }

  #skipKeepAlive(): StreamItem | undefined {
    while (this.#pending.subarray(0, 2).equals(CRLF)) {
      if (this.#pending.subarray(0, 4).equals(EMPTY_LINE)) {
        this.#take(4);
        return { type: 'ping' };
      }
      // A lone CRLF is a pong, or the first half of a ping: it waits for what follows.
      if (this.#pending.length < 4 && (this.#pending.length === 2 || this.#pending[2] === 0x0d)) {
        if (this.#pending.length === 2) this.#take(2);
        return undefined;
      }
      this.#take(2);
    }
    return undefined;
  }

  #take(count: number): Buffer {
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }
}

function contentLength(head: string): number | undefined {
  const found = [...head.matchAll(/\r\n(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)/gi)].map(([, value = '']) =>
    value.trim(),
  );
  const [first] = found;
  if (first === undefined || found.some((value) => value !== first) || !/^[0-9]{1,9}$/.test(first)) return undefined;
  return Number(first);
}
