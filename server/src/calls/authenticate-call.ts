import type { Assistant } from '../core/assistant/assistant.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { type Deployment, deploymentOfCall, verifyModeOf } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import type { CredentialId } from '../core/ids.ts';
import type { Verdict } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Principal } from '../core/project/project.ts';
import type { AnnouncedCall, ReceiveCall } from './announced-call.ts';
import { type ProjectLines, vouchersOf } from './project-lines.ts';
import { readApiKey } from './read-api-key.ts';

export type AuthenticateParts = {
  readonly verifyApiKey: (key: string) => Promise<Principal | null>;
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly publicHost: string | null;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** How a call was let in. */
export type Entry = {
  readonly deployment: Deployment | null;
  readonly credentialId: CredentialId | null;
  /** Nothing proved where it came from. */
  readonly isUnverified: boolean;
  /** The accounts whose carrier is to be asked about the call; empty: nobody has to be. */
  readonly ask: readonly OpenCredential[];
};

/**
 * Who may open a call: whoever has an API key of the project, a carrier that proves itself, or, where the account gives
 * nothing to prove with, a carrier that is asked afterwards. A wrong proof is refused in every case.
 * @throws AppError unauthenticated, forbidden, wrong_signature; invalid_parameters for a request that wants nothing; not_configured.
 */
export async function authenticateCall(
  parts: AuthenticateParts,
  assistant: Assistant,
  command: AnnouncedCall,
): Promise<Entry> {
  const { request, webhook, channel } = command;
  const key = readApiKey(request);
  if (key !== null) await requireKey(parts, assistant, key);
  if (webhook.needsPublicHost && parts.publicHost === null) {
    throw new AppError('not_configured', {
      detail: `set PUBLIC_ASSISTANT_HOST to the host that ${channel} reaches this server under`,
    });
  }
  const lines = await parts.lines.ofProject(assistant.projectId);
  const to = command.incoming?.to ?? null;
  const deployment = deploymentOfCall(lines.deployments, { assistantId: assistant.id, channel, to });
  const vouchers = vouchersOf(lines, deployment, channel);
  const verdict = await judge(parts, command, vouchers, deployment);
  const mayOpen: Entry = { deployment, credentialId: deployment?.credentialId ?? null, isUnverified: false, ask: [] };
  if (verdict.type === 'wrong' && (key === null || vouchers.length > 0)) {
    throw refuseProof(parts, command, verdict.difference, vouchers.length);
  }
  if (verdict.type === 'verified') return { ...mayOpen, credentialId: verdict.credentialId };
  if (key !== null) return mayOpen;
  // The manual's own connectivity check is a bare curl: it is told what is missing, not that it is forbidden.
  if (Object.keys(request.parameters).length === 0) {
    throw new AppError('invalid_parameters', {
      detail: 'this address wants a call: from, and x-api-key or a signature',
    });
  }
  if (!webhook.verify) throw new AppError('forbidden', { detail: 'send x-api-key as a header or a query parameter' });
  const canVerify = verdict.type === 'absent' && verdict.canVerify;
  const ask = admitWithoutProof(parts, command, { deployment, vouchers, canVerify });
  return { ...mayOpen, isUnverified: true, ask };
}

async function requireKey(parts: AuthenticateParts, assistant: Assistant, key: string): Promise<void> {
  const principal = await parts.verifyApiKey(key);
  const isAllowed = principal?.projectId === assistant.projectId && principal.scopes.includes('talk');
  if (!isAllowed) {
    throw new AppError('unauthenticated', { detail: "the key is not a valid key of the assistant's project" });
  }
}

async function judge(
  parts: AuthenticateParts,
  { webhook, request }: ReceiveCall,
  credentials: readonly OpenCredential[],
  deployment: Deployment | null,
): Promise<Verdict> {
  const { publicHost, clock } = parts;
  const nowMs = clock.date().getTime();
  const settings = deployment?.settings ?? {};
  const verdict = webhook.verify?.({ request, publicHost, credentials, settings, nowMs });
  return (await verdict) ?? { type: 'absent', canVerify: false };
}

type WithoutProof = {
  readonly deployment: Deployment | null;
  readonly vouchers: readonly OpenCredential[];
  readonly canVerify: boolean;
};

/** Returns the accounts whose carrier is to be asked. @throws AppError wrong_signature when nothing admits the call. */
function admitWithoutProof(
  parts: AuthenticateParts,
  command: AnnouncedCall,
  { deployment, vouchers, canVerify }: WithoutProof,
): readonly OpenCredential[] {
  const { channel } = command;
  switch (verifyModeOf(deployment?.settings ?? {})) {
    case 'off':
      return [];
    case 'log':
      parts.log.warn('webhook.unproven', { channel, assistantId: command.assistantId, isServed: true });
      return [];
    case 'enforce':
      throw refuseProof(parts, command, 'missing', vouchers.length);
    case 'auto':
      if (vouchers.length === 0) throw refuseProof(parts, command, 'no_credential', 0);
      if (canVerify) throw refuseProof(parts, command, 'missing', vouchers.length);
      if ((command.incoming?.providerCallId ?? null) === null) throw refuseProof(parts, command, 'no_call_id', 0);
      return vouchers;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  missing: 'the carrier did not prove itself, and no x-api-key was sent',
  no_credential: 'the project has no credential of this carrier, and no x-api-key was sent',
  no_call_id: 'nothing proves where this comes from, and without a call id the carrier cannot be asked',
};

/** The part that differed is logged, and told: which one it was helps nobody to forge it. */
function refuseProof(
  { log, metrics }: AuthenticateParts,
  { channel, assistantId }: ReceiveCall,
  difference: string,
  vouchers: number,
): AppError {
  log.warn('webhook.refused', { channel, assistantId, difference, credentials: vouchers });
  metrics.count('webhooks_refused_total', { channel, difference });
  return new AppError('wrong_signature', { detail: ADVICE[difference] ?? `what differs: ${difference}` });
}
