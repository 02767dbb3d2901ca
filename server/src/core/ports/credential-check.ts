import type { OpenCredential } from '../credential/credential.ts';

/**
 * Asks a carrier or vendor whether it takes an account, by a real request that changes nothing there. Resolves to who it says
 * we are, for people, without secrets. @throws AppError carrier_failed with what is wrong and with which key.
 */
export type CredentialCheck = (credential: OpenCredential, signal: AbortSignal) => Promise<string>;
