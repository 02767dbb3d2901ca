import type { SipDirectory, SipTrunk } from '../channels/sip/ports.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId, CredentialId, ProjectId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { DigestKeys } from '../vault/digest-keys.ts';
import type { ApiKeyVerifier } from '../vault/verify-api-key.ts';

export type SipDirectoryParts = {
  readonly storage: Pick<Storage, 'assistants' | 'credentials' | 'deployments'>;
  readonly keys: ApiKeyVerifier;
  readonly digestKeys: DigestKeys;
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
      return allowCidrs.length === 0 ? [] : [{ assistantId, projectId, number, allowCidrs }];
    });
  }
}

function textsIn(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new AppError('internal', { detail: 'allow_cidrs of a SIP credential is not a list of texts' });
}
