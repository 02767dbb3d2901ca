import type { CredentialId } from '../core/ids.ts';
import type { AuditLog } from '../core/ports/audit-log.ts';
import type { IdempotencyStore } from '../core/ports/idempotency-store.ts';
import type { NumberListRepository } from '../core/ports/number-list-repository.ts';
import type { Random } from '../core/ports/random.ts';
import { type ApiKeyParts, createApiKeyFor, listApiKeys, revokeApiKey } from './api-keys.ts';
import {
  type AssistantParts,
  addVersion,
  changeAssistant,
  createAssistant,
  findAssistant,
  findVersion,
  listAssistants,
  listVersions,
  publishVersion,
} from './assistants.ts';
import type { Actor } from './change.ts';
import {
  type CredentialParts,
  createCredential,
  listCredentials,
  removeCredential,
  updateCredential,
  type VerifyCredentialParts,
  verifyCredential,
} from './credentials.ts';
import { createDeployment, type DeploymentParts, removeDeployment, updateDeployment } from './deployments.ts';
import { addListedNumber, type NumberListParts, removeListedNumber } from './number-lists.ts';
import { createProject, findOwnProject, type ProjectParts } from './projects.ts';

export type ManagementParts = AssistantParts &
  CredentialParts &
  VerifyCredentialParts &
  DeploymentParts &
  NumberListParts &
  ApiKeyParts &
  ProjectParts & {
    readonly audit: AuditLog;
    readonly idempotency: IdempotencyStore;
    readonly random: Random;
  };

/** Everything a project's administrator may do, each with who asks as its first argument. */
export function manage(parts: ManagementParts) {
  const bind =
    <Rest extends readonly unknown[], Result>(use: (parts: ManagementParts, ...rest: Rest) => Result) =>
    (...rest: Rest): Result =>
      use(parts, ...rest);
  return {
    random: parts.random,
    idempotency: parts.idempotency,
    credentialSchemas: parts.credentialSchemas,
    settingsSchemas: parts.settingsSchemas,
    listAssistants: bind(listAssistants),
    findAssistant: bind(findAssistant),
    createAssistant: bind(createAssistant),
    changeAssistant: bind(changeAssistant),
    listVersions: bind(listVersions),
    findVersion: bind(findVersion),
    addVersion: bind(addVersion),
    publishVersion: bind(publishVersion),
    listCredentials: bind(listCredentials),
    createCredential: bind(createCredential),
    updateCredential: bind(updateCredential),
    removeCredential: bind(removeCredential),
    verifyCredential: (actor: Actor, id: CredentialId) => verifyCredential(parts, actor, id),
    listDeployments: ({ projectId }: Actor) => parts.deployments.list(projectId),
    createDeployment: bind(createDeployment),
    updateDeployment: bind(updateDeployment),
    removeDeployment: bind(removeDeployment),
    listNumbers: ({ projectId }: Actor, page: Omit<Parameters<NumberListRepository['list']>[0], 'projectId'>) =>
      parts.numberLists.list({ projectId, ...page }),
    addListedNumber: bind(addListedNumber),
    removeListedNumber: bind(removeListedNumber),
    listApiKeys: bind(listApiKeys),
    createApiKey: bind(createApiKeyFor),
    revokeApiKey: bind(revokeApiKey),
    findOwnProject: bind(findOwnProject),
    createProject: bind(createProject),
    listAudit: ({ projectId }: Actor, page: { readonly limit: number; readonly cursor?: string }) =>
      parts.audit.list({ projectId, ...page }),
  };
}

export type Management = ReturnType<typeof manage>;
