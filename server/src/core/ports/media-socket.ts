import type { ContextId } from '../ids.ts';

/** What a WebSocket tells its one listener; nothing comes after `closed`. */
export interface MediaSocketListener {
  /** UTF-8, not checked; the view is valid during the call only. */
  text(message: Uint8Array): void;
  /** The view is valid during the call only. */
  binary(message: Uint8Array): void;
  /** Exactly once, and last. 1006 where the peer vanished (RFC 6455, 7.1.5). */
  closed(code: number, reason: string): void;
}

/** An open WebSocket to a carrier. Verbs never throw; after `closed` they do nothing. */
export interface MediaSocket {
  /** Takes the one listener, at once, before anything is awaited: messages that come without one are lost. */
  listen(listener: MediaSocketListener): void;
  /** A string, or its UTF-8; a view may be used again at once, here and below. */
  sendText(message: string | Uint8Array): void;
  sendBinary(message: Uint8Array): void;
  /** Bytes that wait for the network: the measure of a peer that reads too slowly. */
  readonly bufferedBytes: number;
  /** Says goodbye with a code of RFC 6455, 7.4, or of 4000-4999. */
  close(code: number, reason: string): void;
}

/** A carrier's WebSocket for a context that was there a moment ago; claiming it is the channel's business. */
export type SocketArrival = {
  readonly contextId: ContextId;
  readonly socket: MediaSocket;
  /** Path and query exactly as they came: what signatures are made over. */
  readonly rawTarget: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly remoteAddress: string;
};

/** A WebSocket that came without the id of a call. */
export type UnnamedArrival = Omit<SocketArrival, 'contextId'>;
