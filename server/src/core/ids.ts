import type { Random } from './ports/random.ts';

type Brand<Value, Name extends string> = Value & { readonly __brand: Name };

/** Names one media connection to come: a lower-case UUID, the id Asterisk's AudioSocket carries. */
export type ContextId = Brand<string, 'ContextId'>;
/** Names one carrier call through all its re-entries: decimal digits. */
export type ConversationId = Brand<string, 'ConversationId'>;
/** Names an assistant: decimal digits, at most 2^53-1, so that a SIP user part can hold it. */
export type AssistantId = Brand<string, 'AssistantId'>;
export type ProjectId = Brand<string, 'ProjectId'>;
export type ApiKeyId = Brand<string, 'ApiKeyId'>;
export type CredentialId = Brand<string, 'CredentialId'>;
export type DeploymentId = Brand<string, 'DeploymentId'>;
export type NumberListEntryId = Brand<string, 'NumberListEntryId'>;
export type TransferId = Brand<string, 'TransferId'>;
/** One start of one server process. */
export type NodeId = Brand<string, 'NodeId'>;
/** One thing the assistant says, from its first word to its last; late results of a cancelled reply carry the old id. */
export type ReplyId = Brand<number, 'ReplyId'>;
/** One thing the caller says. */
export type UtteranceId = Brand<number, 'UtteranceId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DECIMAL = /^[1-9]\d{0,15}$/;

/** Reads a contextId as a peer wrote it (any case); null when it is no UUID. */
export function parseContextId(text: string): ContextId | null {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? (lower as ContextId) : null;
}

/** Reads the 16 bytes of an AudioSocket id frame. @throws RangeError unless there are exactly 16 bytes. */
export function contextIdFromBytes(bytes: Uint8Array): ContextId {
  if (bytes.length !== 16) throw new RangeError(`A UUID has 16 bytes, got ${bytes.length}`);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    '-',
  ) as ContextId;
}

/** Reads an assistant id; null unless it is a positive decimal number up to 2^53-1. */
export function parseAssistantId(text: string): AssistantId | null {
  return isDecimalId(text) ? (text as AssistantId) : null;
}

/** Reads a conversation id; null unless it is a positive decimal number up to 2^53-1. */
export function parseConversationId(text: string): ConversationId | null {
  return isDecimalId(text) ? (text as ConversationId) : null;
}

export function newContextId(random: Random): ContextId {
  return random.uuid() as ContextId;
}

/** A 53-bit random decimal: unguessable enough for a label, and exact in every JSON reader. */
export function newConversationId(random: Random): ConversationId {
  return String(1_000_000_000_000_000 + random.below(8_000_000_000_000_000)) as ConversationId;
}

/** Nine digits, as the manual prints them: short enough to type on a phone. */
export function newAssistantId(random: Random): AssistantId {
  return String(100_000_000 + random.below(900_000_000)) as AssistantId;
}

function isDecimalId(text: string): boolean {
  return DECIMAL.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER;
}
