import type { ChannelName } from '../call/call.ts';
import type { Credential } from '../credential/credential.ts';
import { type Deployment, verifyModeOf } from './deployment.ts';

/** Something through which a call comes in without a proof of where it is from, and what closes it. */
export type VerificationGap = { readonly subject: string; readonly admits: string; readonly advice: string };

/** Channels whose webhooks anybody can reach. */
const PUBLIC_CHANNELS: ReadonlySet<ChannelName> = new Set(['twilio', 'vonage', 'exotel']);

type Account = Pick<Credential, 'id' | 'projectId' | 'provider' | 'name' | 'shown'>;

/** What admits calls unverified: by deployments that were told to, and by accounts that have nothing to verify with. */
export function verificationGaps(
  credentials: readonly Account[],
  deployments: readonly Deployment[],
): readonly VerificationGap[] {
  const enabled = deployments.filter(({ isEnabled, channel }) => isEnabled && PUBLIC_CHANNELS.has(channel));
  return [
    ...enabled.flatMap((deployment) => gapOfMode(deployment)),
    ...credentials.flatMap((account) => gapOfAccount(account, enabled)),
  ];
}

function gapOfMode({ channel, name, settings }: Deployment): readonly VerificationGap[] {
  const mode = verifyModeOf(settings);
  if (mode !== 'off' && mode !== 'log') return [];
  return [
    {
      subject: `${channel} deployment ${JSON.stringify(name)}`,
      admits: `verify is "${mode}": whoever knows its address opens calls`,
      advice: 'set verify to auto or enforce',
    },
  ];
}

/** An account without a proof is open for each line that does not insist on one, and for assistants without a line. */
function gapOfAccount(account: Account, enabled: readonly Deployment[]): readonly VerificationGap[] {
  const { provider, projectId, id, name, shown } = account;
  const lines = enabled.filter(
    (line) =>
      line.channel === provider &&
      line.projectId === projectId &&
      (line.credentialId === null || line.credentialId === id),
  );
  const isOpen = lines.length === 0 || lines.some((line) => verifyModeOf(line.settings) === 'auto' && !hasList(line));
  if (!isOpen) return [];
  const subject = `${provider} credential ${JSON.stringify(name)}`;
  const admits = 'webhooks prove nothing: calls are served, and the carrier is asked about each of them afterwards';
  if (provider === 'vonage' && shown['signature_secret'] === undefined) {
    const advice = 'add signature_secret (Vonage dashboard: API settings, signed webhooks) to the credential';
    return [{ subject, admits, advice }];
  }
  if (provider === 'exotel') {
    const advice =
      'list Exotel’s addresses in allowed_addresses of the deployment, or write the flow’s URL as ' +
      'https://key:token@host/… and set verify to enforce';
    return [{ subject, admits, advice }];
  }
  return [];
}

function hasList({ settings }: Deployment): boolean {
  const addresses = settings['allowed_addresses'];
  return Array.isArray(addresses) && addresses.length > 0;
}
