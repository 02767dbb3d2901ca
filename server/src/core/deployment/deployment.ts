import { CHANNEL_NAMES, type ChannelName } from '../call/call.ts';
import { AppError } from '../errors.ts';
import { type Field, type FieldValues, readFields } from '../form/field.ts';
import type { AssistantId, CredentialId, DeploymentId, ProjectId } from '../ids.ts';

/**
 * How strictly a carrier must prove itself. auto: enforced where a credential can verify, else admitted and asked about.
 * log: what differs is logged, calls without a proof are served. A wrong proof is refused in each of them.
 */
export const VERIFY_MODES = ['auto', 'enforce', 'log', 'off'] as const;
export type VerifyMode = (typeof VERIFY_MODES)[number];

/** An assistant on a line: a number or route of a channel, the account it is reached over, and how. */
export type Deployment = {
  readonly id: DeploymentId;
  readonly projectId: ProjectId;
  readonly assistantId: AssistantId;
  readonly channel: ChannelName;
  readonly name: string;
  /** The number or route this is about, as the carrier writes it; null: whatever comes for the assistant. */
  readonly number: string | null;
  readonly credentialId: CredentialId | null;
  /** `verify` and what the channel's settings schema holds. */
  readonly settings: FieldValues;
  readonly isEnabled: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What every deployment may be told, whatever its channel. */
export const COMMON_SETTINGS: readonly Field[] = [
  { key: 'verify', help: 'How strictly the carrier must prove itself; auto when left out.', choices: VERIFY_MODES },
  {
    key: 'max_calls_per_minute',
    help: 'Outgoing calls placed over this line in a minute; 30 when left out.',
    type: 'integer',
    range: { min: 1, max: 6_000 },
  },
  {
    key: 'max_concurrent_calls',
    help: 'Outgoing calls ringing or live at once; 5 when left out.',
    type: 'integer',
    range: { min: 1, max: 1_000 },
  },
  {
    key: 'transfer_ring_seconds',
    help: 'How long it rings at whom a caller is handed to; 30 when left out.',
    type: 'integer',
    range: { min: 5, max: 120 },
  },
  {
    key: 'max_calls_per_day',
    help: 'Outgoing calls ordered over this line within 24 hours; 200 when left out.',
    type: 'integer',
    range: { min: 1, max: 1_000_000 },
  },
  {
    key: 'allowed_countries',
    help: 'Countries that may be called, as two letters (ISO 3166-1), each on a line, * for all; the country of the calling number when left out.',
    type: 'list',
    form: { pattern: /^([A-Z]{2}|\*)$/, words: 'must hold countries as two capital letters, or *' },
  },
];

/** @throws AppError invalid_parameters naming every mistake. */
export function readDeploymentSettings(
  channelFields: readonly Field[],
  given: Readonly<Record<string, unknown>>,
): FieldValues {
  return readFields([...COMMON_SETTINGS, ...channelFields], given);
}

export function verifyModeOf(settings: FieldValues): VerifyMode {
  return VERIFY_MODES.find((mode) => mode === settings['verify']) ?? 'auto';
}

export function parseChannelName(text: string): ChannelName {
  const name = CHANNEL_NAMES.find((each) => each === text);
  if (!name) throw new AppError('invalid_parameters', { detail: `channel must be one of ${CHANNEL_NAMES.join(', ')}` });
  return name;
}

/** A number without what people put between its digits, so that `+1 (555) 0100` and `15550100` are the same line. */
export function comparableNumber(number: string): string {
  const digits = number.replace(/[\s().+-]/g, '');
  return /^\d+$/.test(digits) ? digits.replace(/^00/, '') : number.trim().toLowerCase();
}

/**
 * The deployment that a call came in over: the one with the called number, else the assistant's only one of the channel
 * without a number; null when none fits.
 */
export function deploymentOfCall(
  deployments: readonly Deployment[],
  call: { readonly assistantId: AssistantId; readonly channel: ChannelName; readonly to: string | null },
): Deployment | null {
  const candidates = deployments.filter(
    ({ assistantId, channel, isEnabled }) => isEnabled && assistantId === call.assistantId && channel === call.channel,
  );
  const called = call.to === null ? null : comparableNumber(call.to);
  const byNumber = candidates.find(({ number }) => number !== null && comparableNumber(number) === called);
  if (byNumber) return byNumber;
  const open = candidates.filter(({ number }) => number === null);
  return open.length === 1 ? (open[0] ?? null) : null;
}
