import { verificationGaps } from '../../core/deployment/verification-gap.ts';
import type { CredentialCheck } from '../../core/ports/credential-check.ts';
import type { StoredCredential } from '../../core/ports/credential-repository.ts';
import { verifyCredential } from '../../management/credentials.ts';
import type { Storage } from '../../storage/open-storage.ts';
import { credentialVault } from '../../vault/credential-vault.ts';
import { type Check, type Finding, ok, warn, wordsOf } from './check.ts';
import { type Installation, QUIET } from './installation.ts';

/** Asks each carrier whether it takes each account, as POST /v1/credentials/{id}/verify does. */
export function accountsCheck(
  installation: Installation,
  credentialChecks: Readonly<Record<string, CredentialCheck>>,
): Check {
  return {
    name: 'accounts',
    run: async (signal) => {
      const storage = await usable(installation);
      const secretBox = storage && (await installation.secretBox(storage));
      if (!storage || !secretBox) return ok('none is stored yet');
      const vault = credentialVault(secretBox);
      const parts = { credentials: storage.credentials, credentialVault: vault, log: QUIET, credentialChecks };
      const verify = async (stored: StoredCredential): Promise<Finding> => {
        const name = `${stored.provider} ${JSON.stringify(stored.name)}`;
        try {
          const verdict = await verifyCredential(parts, stored, stored.id, signal);
          if (verdict.isAccepted !== false) return ok(`${name}: ${verdict.detail}`);
          return refused(name, verdict.detail);
        } catch (error) {
          return refused(name, wordsOf(error));
        }
      };
      const stored = await allCredentials(storage);
      return stored.length === 0 ? ok('none is stored yet') : await Promise.all(stored.map(verify));
    },
  };
}

function refused(name: string, detail: string): Finding {
  return {
    status: 'fail',
    text: `${name}: ${detail}`,
    advice: 'correct it: PATCH /v1/credentials/{id}, or npm start -- credential add',
  };
}

/** What lets calls in without a proof. */
export function gapsCheck(installation: Installation): Check {
  return {
    name: 'who may call',
    run: async () => {
      const storage = await usable(installation);
      const gaps = storage ? verificationGaps(await allCredentials(storage), await allDeployments(storage)) : [];
      if (gaps.length === 0) return ok('nothing lets calls in without a proof');
      return gaps.map(({ subject, admits, advice }) => warn(`${subject}: ${admits}`, advice));
    },
  };
}

/** Null: there is no database that this version can read yet. */
export async function usable(installation: Installation): Promise<Storage | null> {
  const storage = await installation.storage();
  return storage && (await storage.pendingMigrations()).length === 0 ? storage : null;
}

export async function allCredentials({ assistants, credentials }: Storage): Promise<readonly StoredCredential[]> {
  const projects = await assistants.listProjects();
  return (await Promise.all(projects.map(({ id }) => credentials.list(id)))).flat();
}

async function allDeployments({ assistants, deployments }: Storage) {
  const projects = await assistants.listProjects();
  return (await Promise.all(projects.map(({ id }) => deployments.list(id)))).flat();
}
