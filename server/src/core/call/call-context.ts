import type { AssistantSettings } from '../assistant/assistant-settings.ts';
import type { AssistantId, ContextId, ConversationId, CredentialId, DeploymentId, NodeId, ProjectId } from '../ids.ts';
import type { CallDirection, ChannelName } from './call.ts';

export type ContextStatus = 'pending' | 'claimed' | 'ended' | 'expired' | 'failed';

/** The promise of a media connection: made in phase 1, claimed once when media arrives. */
export type CallContext = {
  readonly contextId: ContextId;
  readonly conversationId: ConversationId;
  readonly attempt: number;
  readonly projectId: ProjectId;
  readonly assistantId: AssistantId;
  readonly assistantVersion: number;
  readonly deploymentId: DeploymentId | null;
  readonly credentialId: CredentialId | null;
  readonly channel: ChannelName;
  readonly direction: CallDirection;
  readonly from: string | null;
  readonly to: string | null;
  readonly providerCallId: string | null;
  /** Served without a proof of where it came from: see Deployment's `verify`. */
  readonly isUnverified: boolean;
  readonly args: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: ContextStatus;
  readonly expiresAt: Date;
  readonly claimedBy: NodeId | null;
};

/** What the one claiming UPDATE returns: all a conversation is built from. */
export type ClaimedContext = CallContext & { readonly status: 'claimed'; readonly settings: AssistantSettings };

/** A pending inbound context lives this long. */
export const INBOUND_CONTEXT_TTL_MS = 120_000;
