import { verificationGaps } from '../core/deployment/verification-gap.ts';
import type { Storage } from '../storage/open-storage.ts';

/** What lets calls in without a proof, in all projects, a line each for the start-up text. */
export async function describeGaps({
  credentials,
  deployments,
}: Pick<Storage, 'credentials' | 'deployments'>): Promise<readonly string[]> {
  const [accounts, lines] = await Promise.all([
    Promise.all(['vonage', 'exotel'].map((provider) => credentials.ofProvider(provider))),
    Promise.all((['twilio', 'vonage', 'exotel'] as const).map((channel) => deployments.enabledOn(channel))),
  ]);
  return verificationGaps(accounts.flat(), lines.flat()).map(
    ({ subject, admits, advice }) => `${subject}: ${admits}. To close it, ${advice}`,
  );
}
