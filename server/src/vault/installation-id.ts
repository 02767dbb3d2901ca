import { createHash } from 'node:crypto';

const SHOWN_HEX = 16;

/** What tells installations apart without naming them: the same for all nodes of one database, of no use to anybody else. */
export function installationId(sharedSecret: Uint8Array): string {
  return createHash('sha256').update('installation').update(sharedSecret).digest('hex').slice(0, SHOWN_HEX);
}

/** The name of the shared secret it is made of. */
export const INSTALLATION_SECRET = 'installation';
/** Where `/readiness` says it. */
export const INSTALLATION_HEADER = 'x-installation';
