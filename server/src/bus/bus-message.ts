import type { BusMessage } from '../core/ports/event-bus.ts';

/** The ids each message carries: all text. */
const FIELDS: { readonly [Type in BusMessage['type']]: readonly string[] } = {
  'call.end': ['contextId', 'reason'],
  'call.changed': ['contextId'],
  'api-key.changed': ['apiKeyId'],
  'assistant.changed': ['assistantId'],
  'project.changed': ['projectId'],
};

/** A message as text: at most some hundred bytes, far below what NOTIFY carries (8000). */
export function writeMessage(message: BusMessage): string {
  return JSON.stringify(message);
}

/** Reads a message; null for one that is none, or that a newer version sent. */
export function readMessage(text: string | undefined): BusMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Record<string, unknown>;
  const { type } = fields;
  if (typeof type !== 'string' || !Object.hasOwn(FIELDS, type)) return null;
  const isWhole = FIELDS[type as BusMessage['type']].every((name) => typeof fields[name] === 'string');
  return isWhole ? (value as BusMessage) : null;
}
