import type { EndReason } from '../../core/call/call.ts';
import type { OpenCredential } from '../../core/credential/credential.ts';
import type { AssistantId, ContextId, CredentialId, NodeId, ProjectId } from '../../core/ids.ts';
import type { MediaEnd, MediaTransport } from '../../core/ports/media-transport.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import type { CodecName } from '../../protocols/sdp/codecs.ts';

/** A password in clear that no log prints; the vault's Secret fits. */
export type SealedText = { expose(): string };

/** A key that digest may be answered with. Keep the object while the key is valid: what is computed of it is remembered by it. */
export type SipKey = { readonly key: SealedText };

export type SipAssistant = { readonly assistantId: AssistantId; readonly projectId: ProjectId };

/** Addresses that call without a password, and whom they reach. */
export type SipTrunk = SipAssistant & {
  readonly credentialId: CredentialId;
  /** The number that was dialled; null: any that no other entry names. */
  readonly number: string | null;
  /** Networks (`203.0.113.0/24`) or addresses. */
  readonly allowCidrs: readonly string[];
};

/** Who may call, and whom. Each method may throw AppError database_unavailable. */
export interface SipDirectory {
  findAssistant(id: AssistantId): Promise<SipAssistant | null>;
  /** The project's active keys of scope `talk` in clear, at most 50. */
  keysOf(projectId: ProjectId): Promise<readonly SipKey[]>;
  /** The project of a valid API key of scope `talk`; null for any other text. */
  projectOfKey(key: string): Promise<ProjectId | null>;
  /** Trunks that we register with, or that are to be asked whether they are there. */
  accounts(wish: 'register' | 'qualify'): Promise<readonly OpenCredential[]>;
  /** Of all enabled deployments with a trunk. Keep the array while nothing has changed: the lists compiled of it are remembered by it. */
  trunks(): Promise<readonly SipTrunk[]>;
}

/** The processes that serve the same accounts. */
export interface SipNodes {
  readonly own: NodeId;
  /** @throws AppError database_unavailable. */
  alive(): Promise<readonly NodeId[]>;
}

/** What an INVITE that was let in says about its call. */
export type SipCallAnnouncement = {
  readonly assistantId: AssistantId;
  readonly from: string | null;
  readonly to: string | null;
  /** Call-ID. */
  readonly providerCallId: string;
  /** User-Agent, Diversion, History-Info and X-..., names in lower case, passwords masked. */
  readonly headers: Readonly<Record<string, string>>;
};

/** A caller and whoever the call was handed over to, joined through this process. */
export type CarriedCall = {
  readonly contextId: ContextId;
  /** Hangs up on both; idempotent. */
  end(): void;
  /** Resolves once both are gone. */
  readonly ended: Promise<unknown>;
};

/** The use cases of a call that comes in by SIP. */
export interface SipCalls {
  /**
   * Opens a new context, never one that is there already: a Call-ID is the caller's choice, and must not reach another's call.
   * @throws AppError over_capacity, draining, database_unavailable (answered 503); conflict while a call of this Call-ID to this
   * assistant is not over (482); or any other.
   */
  open(call: SipCallAnnouncement): Promise<ContextId>;
  /** As CallControl.attachMedia: after it the conversation owns the call's end. @throws AppError; the media is then the caller's to close. */
  attach(contextId: ContextId, media: MediaTransport): Promise<void>;
  /** Counts a call as live that goes on without its conversation. Must not be called for one that is over. */
  carryOn(call: CarriedCall): void;
  /** A call that ended before its media was attached. */
  end(contextId: ContextId, reason: EndReason): Promise<void>;
}

/** A call's ports and media. Disposing hangs up and frees the ports. */
export interface RtpCall extends AsyncDisposable {
  /** Even; RTCP has the next one. */
  readonly port: number;
  /** @throws AppError when the media cannot begin. */
  start(agreed: AgreedMedia): MediaTransport;
  /** @throws AppError when it cannot be changed to this. */
  update(agreed: AgreedMedia): void;
  /** Ends the media; its listener hears this end. */
  end(end: MediaEnd): void;
}

export interface RtpMedia {
  /** What offers name, the best first. */
  readonly codecs: readonly CodecName[];
  /**
   * Takes ports. `closed` comes once, and only after `start`, when the media is over, whoever ended it.
   * @throws AppError over_capacity, not_configured.
   */
  open(call: { readonly contextId: ContextId; readonly closed: (end: MediaEnd) => void }): Promise<RtpCall>;
}
