import type { KeyLine } from '../../../core/ports/carrier-keys.ts';

/** Why ARI cannot be asked about a call's channel: whose Asterisk it is on, or which channel it is, is not known; null when it can. */
export function channelObjection({ context, credential }: KeyLine): string | null {
  if (credential === null) return 'there is no Asterisk (ARI) credential for this call';
  return context.providerCallId === null
    ? 'the dialplan does not name its channel: add &id=${UNIQUEID} to the CURL line'
    : null;
}
