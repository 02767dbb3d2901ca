import type { CallContext } from '../core/call/call-context.ts';
import { noAccount } from '../core/credential/credential.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { ProjectLines } from './project-lines.ts';

export type HangUpParts = {
  readonly channels: readonly Channel[];
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly log: EventLog;
};

const HANG_UP_LIMIT_MS = 15_000;

/** Tells the carrier to stop ringing a call that we placed. Never throws: what cannot be told rings until its time is up. */
export async function hangUpCall(
  { channels, lines, log }: HangUpParts,
  { contextId, channel, projectId, credentialId, providerCallId }: CallContext,
): Promise<void> {
  const dialer = channels.find(({ name }) => name === channel)?.dialer;
  if (!dialer || providerCallId === null) return;
  try {
    const { credentials } = await lines.ofProject(projectId);
    const isWithout = dialer.needsNoAccount && credentialId === null;
    const credential = isWithout ? noAccount(projectId, channel) : credentials.find(({ id }) => id === credentialId);
    if (credential) await dialer.hangUp(credential, providerCallId, AbortSignal.timeout(HANG_UP_LIMIT_MS));
  } catch (error) {
    log.warn('call.hangup_failed', {
      contextId,
      channel,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
