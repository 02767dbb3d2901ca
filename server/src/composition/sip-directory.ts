import type { SipDirectory, SipTrunk } from '../channels/sip/ports.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId, CredentialId, ProjectId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CredentialVault } from '../core/ports/credential-vault.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { DigestKeys } from '../vault/digest-keys.ts';
import type { ApiKeyVerifier } from '../vault/verify-api-key.ts';

export type SipDirectoryParts = {
  readonly storage: Pick<Storage, 'assistants' | 'credentials' | 'deployments'>;
  readonly keys: ApiKeyVerifier;
  readonly digestKeys: DigestKeys;
  readonly credentialVault: Pick<CredentialVault, 'open'>;
  readonly clock: Clock;
};

/** A change that no message told of is seen after this. */
const REMEMBERED_MS = 60_000;

/** Who may call over SIP, read of the rows an administrator changes: keys, deployments, trunks. */
export class StoredSipDirectory implements SipDirectory {
  readonly #parts: SipDirectoryParts;
  #trunks: { readonly list: Promise<readonly SipTrunk[]>; readonly untilMs: number } | null = null;

  constructor(parts: SipDirectoryParts) {
    this.#parts = parts;
  }

  async findAssistant(id: AssistantId) {
    const assistant = await this.#parts.storage.assistants.find(id);
    return assistant && { assistantId: assistant.id, projectId: assistant.projectId };
  }

  keysOf(projectId: ProjectId) {
    return this.#parts.digestKeys.ofProject(projectId);
  }

  async projectOfKey(key: string): Promise<ProjectId | null> {
    const principal = await this.#parts.keys.verify(key);
    return principal?.scopes.includes('talk') ? principal.projectId : null;
  }

  async accounts(wish: 'register' | 'qualify'): Promise<readonly OpenCredential[]> {
    const { storage, credentialVault } = this.#parts;
    const stored = await storage.credentials.ofProvider('sip');
    const wanted = stored.filter(({ shown }) => shown[wish] === 'true');
    const opened = await Promise.allSettled(wanted.map((credential) => credentialVault.open(credential)));
    // One that does not open is told of where it is used, and takes no other down.
    return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  trunks(): Promise<readonly SipTrunk[]> {
    const now = this.#parts.clock.nowMs();
    if (this.#trunks && now < this.#trunks.untilMs) return this.#trunks.list;
    const list = this.#readTrunks();
    const entry = { list, untilMs: now + REMEMBERED_MS };
    this.#trunks = entry;
    list.catch(() => {
      if (this.#trunks === entry) this.#trunks = null;
    });
    return list;
  }

  /** Deployments or credentials changed: they are read at the next question. */
  forgetTrunks(): void {
    this.#trunks = null;
  }

  async #readTrunks(): Promise<readonly SipTrunk[]> {
    const { deployments, credentials } = this.#parts.storage;
    const [enabled, stored] = await Promise.all([deployments.enabledOn('sip'), credentials.ofProvider('sip')]);
    const cidrsOf = new Map<CredentialId, readonly string[]>();
    for (const { id, shown } of stored) cidrsOf.set(id, textsIn(shown['allow_cidrs']));
    return enabled.flatMap(({ assistantId, projectId, number, credentialId }) => {
      const allowCidrs = credentialId === null ? [] : (cidrsOf.get(credentialId) ?? []);
      return credentialId === null ? [] : [{ assistantId, projectId, credentialId, number, allowCidrs }];
    });
  }
}

function textsIn(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new AppError('internal', { detail: 'allow_cidrs of a SIP credential is not a list of texts' });
}
