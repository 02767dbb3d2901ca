import type { CredentialId, DeploymentId } from '../ids.ts';
import type { CallContext } from './call-context.ts';

export type OutboundOptions = {
  readonly ringTimeoutSeconds: number;
  readonly maxDurationSeconds: number;
  readonly hasMachineDetection: boolean;
  /** What a machine that answers means: an event of the call, or its end as `machine`. */
  readonly machineAction: 'record' | 'hangup';
};

/** A call that waits to be placed, held by whoever took it. */
export type OutboundCall = {
  readonly context: CallContext;
  readonly deploymentId: DeploymentId;
  readonly credentialId: CredentialId;
  readonly options: OutboundOptions;
  /** From 1. */
  readonly attempt: number;
  /** When the carrier was first asked; null: never, so nothing can have been placed. */
  readonly placingSince: Date | null;
};

/** A queued call that was not placed by then is given up. */
export const QUEUE_TTL_MS = 600_000;
/** Media may come this long after the callee may have stopped ringing. */
export const ANSWER_GRACE_MS = 60_000;
