import type { ChannelName, EndReason } from '../call/call.ts';
import type { CallContext } from '../call/call-context.ts';
import type { AppError } from '../errors.ts';
import type { ContextId } from '../ids.ts';
import type { SocketArrival } from './media-socket.ts';
import type { MediaTransport } from './media-transport.ts';

/** A carrier's HTTP request, as the http room read it: query and body merged, body wins. */
export type WebhookRequest = {
  readonly method: 'GET' | 'POST';
  /** Path and query exactly as they came: what signatures are made over. */
  readonly rawTarget: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawBody: Uint8Array;
  /** The first value of each parameter. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  readonly remoteAddress: string;
};

export type WebhookAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What a carrier says about a call that comes in. */
export type IncomingCall = {
  readonly from: string | null;
  readonly to: string | null;
  readonly providerCallId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** Phase 1 of a channel: one webhook in, one document out. Pure: no I/O. */
export interface CallWebhook {
  /** @throws AppError invalid_parameters naming what is missing. */
  read(request: WebhookRequest): IncomingCall;
  /** @param publicHost PUBLIC_ASSISTANT_HOST, null when unset (@throws AppError not_configured where the answer needs it). */
  answer(context: CallContext, publicHost: string | null): WebhookAnswer;
  /** An error in the form this carrier can bear. */
  refuse(error: AppError): WebhookAnswer;
}

/** What a listening channel hands over when a peer has named its call. */
export type MediaArrival = {
  readonly contextId: ContextId;
  readonly channel: ChannelName;
  readonly media: MediaTransport;
};

/** The use cases a channel may reach. */
export interface CallControl {
  /** Claims the context and starts the conversation on this media. @throws AppError context_not_found, context_claimed, context_expired, database_unavailable (2 s), over_capacity, draining; the media is then the caller's to close. */
  attachMedia(arrival: MediaArrival): Promise<void>;
  /** A fact from the carrier about a call: its end, for one. Late and repeated ones do no harm. */
  endCall(contextId: ContextId, reason: EndReason): Promise<void>;
}

/** A listener that is open. */
export interface OpenListener extends AsyncDisposable {
  /** Host and port really bound, for the start-up text. */
  readonly address: string;
  /** Takes no new calls; live ones go on. */
  drain(): void;
}

/** A kind of phone line. A new one is a folder, a line in the list, a doc page and the contract suite green. */
export interface Channel {
  readonly name: ChannelName;
  readonly webhook?: CallWebhook;
  /** Phase 2 over WebSocket: called once the handshake is done. Must listen to the socket before it awaits anything. */
  socket?(arrival: SocketArrival, control: CallControl): void;
  /** Opens the channel's own port. */
  listen?(control: CallControl): Promise<OpenListener>;
}
