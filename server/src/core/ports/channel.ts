import type { ChannelName, EndReason } from '../call/call.ts';
import type { CallContext } from '../call/call-context.ts';
import type { CredentialSchema, OpenCredential } from '../credential/credential.ts';
import type { AppError } from '../errors.ts';
import type { Field, FieldValues } from '../form/field.ts';
import type { ContextId, CredentialId } from '../ids.ts';
import type { CallTransfer, TransferFailure } from './call-transfer.ts';
import type { CarrierHolds } from './carrier-holds.ts';
import type { CarrierKeys } from './carrier-keys.ts';
import type { Dialer } from './dialer.ts';
import type { SocketArrival, UnnamedArrival } from './media-socket.ts';
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
  /** Ours, where a call that we placed comes back with it. */
  readonly contextId?: ContextId;
};

/** What a carrier's request is judged by. */
export type Verification = {
  readonly request: WebhookRequest;
  readonly publicHost: string | null;
  /** The accounts of this carrier that may have sent it. */
  readonly credentials: readonly OpenCredential[];
  /** The deployment's, empty where there is none. */
  readonly settings: FieldValues;
  /** Milliseconds since 1970, for proofs that age. */
  readonly nowMs: number;
};

export type Verdict =
  | { readonly type: 'verified'; readonly credentialId: CredentialId }
  /** A proof was there and is not right; `difference` names the part, never a value. */
  | { readonly type: 'wrong'; readonly difference: string }
  /** No proof was there. `canVerify`: with what is configured an honest request would have carried one. */
  | { readonly type: 'absent'; readonly canVerify: boolean };

/** What a carrier says about a call after phase 1, in our words. */
export type CallReport = {
  readonly providerCallId: string | null;
  /** Ours, where the carrier hands it back. */
  readonly contextId: string | null;
  /** The account the carrier says it is about, for finding who may vouch for it; null where it says nothing. */
  readonly account: { readonly key: string; readonly value: string } | null;
  /** The carrier's own word, for the log. */
  readonly name: string;
  /** Null: nothing that changes the call's state. */
  readonly change: CallChange | null;
  /** What detection of answering machines heard; left out where this is not about that. */
  readonly answeredBy?: AnsweredBy;
};

/** `word` is the carrier's own. */
export type AnsweredBy = { readonly who: 'human' | 'machine' | 'fax' | 'unknown'; readonly word: string };

export type CallChange =
  /**
   * A call that was handed over: `failed` null once the other side has talked with the caller. `isCallerWaiting`: the carrier
   * asks what is to follow for the caller, who is still there.
   */
  | { readonly type: 'transfer_over'; readonly failed: TransferFailure | null; readonly isCallerWaiting: boolean }
  | { readonly type: 'ringing' }
  | { readonly type: 'answered' }
  | { readonly type: 'ended'; readonly reason: EndReason };

/** Phase 1 of a channel: one webhook in, one document out. Pure: no I/O. */
export interface CallWebhook {
  /** Without PUBLIC_ASSISTANT_HOST there is nothing to answer: phase 1 is refused as not_configured. */
  readonly needsPublicHost?: true;
  /** @throws AppError invalid_parameters naming what is missing. */
  read(request: WebhookRequest): IncomingCall;
  /** Judges the carrier's own proof: a signature, a password, an address. Without it only an API key opens calls. */
  verify?(verification: Verification): Verdict | Promise<Verdict>;
  /** What a carrier reports about a call, whatever it sends. */
  readReport?(request: WebhookRequest): CallReport;
  /**
   * @param publicHost PUBLIC_ASSISTANT_HOST, null when unset (@throws AppError not_configured where the answer needs it).
   * @param asked the request, and the settings of the call's deployment.
   */
  answer(context: CallContext, publicHost: string | null, asked: AnsweredRequest): WebhookAnswer;
  /** What a carrier is to do that told the end of a transfer: bring the caller's audio back as `context`; null: nothing more. */
  afterTransfer?(context: CallContext | null, publicHost: string | null): WebhookAnswer;
  /** Tells a carrier that asks by itself whom it is to dial; null: nobody. */
  tellTransferNumber?(transfer: TransferNumber | null): WebhookAnswer;
  /** An error in the form this carrier can bear; a problem document (RFC 9457) where it is left out. */
  refuse?(error: AppError): WebhookAnswer;
}

/** A transfer under way that the carrier dials. */
export type TransferNumber = {
  readonly context: CallContext;
  readonly to: string;
  readonly ringTimeoutSeconds: number;
};

export type AnsweredRequest = { readonly request: WebhookRequest; readonly settings: FieldValues };

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

/** What a channel that watches its carrier by itself may ask and tell. */
export interface CarrierWatch {
  /** The accounts of this channel's enabled deployments, of all projects. @throws AppError database_unavailable. */
  accounts(): Promise<readonly OpenCredential[]>;
  /** Calls that were placed over these accounts and whose audio has not come yet. @throws AppError database_unavailable. */
  unanswered(accounts: readonly CredentialId[]): Promise<readonly PlacedCall[]>;
  /** What became of a call; one of another account is let be. @throws AppError database_unavailable. */
  report(accounts: readonly CredentialId[], contextId: ContextId, change: CallChange): Promise<void>;
}

export type PlacedCall = { readonly contextId: ContextId; readonly providerCallId: string };

/** A listener that is open. */
export interface OpenListener extends AsyncDisposable {
  /** What it speaks, as the start-up text names it. */
  readonly protocol: 'AudioSocket' | 'SIP';
  /** Host and port really bound, for the start-up text. */
  readonly address: string;
  /** Takes no new calls; live ones go on. */
  drain(): void;
}

/** A kind of phone line. A new one is a folder, a line in the list, a doc page and the contract suite green. */
export interface Channel {
  readonly name: ChannelName;
  /** What an account of this carrier needs. */
  readonly credentialSchema?: CredentialSchema;
  /** What a deployment on this channel may be told, beside what all may be told. */
  readonly settingsSchema?: readonly Field[];
  readonly webhook?: CallWebhook;
  /** Asks the carrier whether it has this call, for calls that carried no proof. @throws AppError carrier_failed when it does not say. */
  knowsCall?(credential: OpenCredential, providerCallId: string, signal: AbortSignal): Promise<boolean>;
  /** Places calls. */
  readonly dialer?: Dialer;
  /** Hands live calls over to somebody else. */
  readonly transfer?: CallTransfer;
  /** Sends keys where the media cannot. */
  readonly keys?: CarrierKeys;
  /** Tells holds where the media cannot. */
  readonly holds?: CarrierHolds;
  /** Follows the carrier's own word about calls, where no webhook brings it; until it is disposed of. */
  watch?(watch: CarrierWatch): Disposable;
  /** Phase 2 over WebSocket: called once the handshake is done. Must listen to the socket before it awaits anything. */
  socket?(arrival: SocketArrival, control: CallControl): void;
  /** The same for a socket whose address names no call: the stream itself will, or the channel closes it within seconds. */
  unnamedSocket?(arrival: UnnamedArrival, control: CallControl): void;
  /** Opens the channel's own port. */
  listen?(control: CallControl): Promise<OpenListener>;
}
