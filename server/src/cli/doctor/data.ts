import { accessSync, constants, statSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import type { Secrets } from '../../config/secrets.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';
import type { Installation } from './installation.ts';

const ANSWER_WITHIN_MS = 2_000;
const SLOW_MS = 50;

export function dataDirCheck({ dataDir }: Pick<Config, 'dataDir'>): Check {
  return {
    name: 'data directory',
    run: () => {
      const found = statSync(dataDir, { throwIfNoEntry: false });
      if (!found) return warn(`${dataDir} does not exist yet`, 'npm start makes it');
      if (!found.isDirectory()) return fail(`${dataDir} is no folder`, 'set DATA_DIR to a folder');
      try {
        accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
      } catch {
        return fail(`this user may not write to ${dataDir}`, 'run as its owner, or set DATA_DIR');
      }
      return ok(dataDir);
    },
  };
}

export function databaseCheck(installation: Installation): Check {
  return {
    name: 'database',
    run: async () => {
      const storage = await installation.storage();
      if (storage === null) return warn('there is none yet', 'npm start makes it');
      // The first one opens a connection.
      await storage.ping(ANSWER_WITHIN_MS);
      const tookMs = await storage.ping(ANSWER_WITHIN_MS);
      const pending = await storage.pendingMigrations();
      if (pending.length > 0) {
        return warn(`its schema lacks ${pending.join(', ')}`, 'npm start brings it up to date; back it up before');
      }
      const text = `answers in ${tookMs.toFixed(1)} ms, its schema is current`;
      return tookMs > SLOW_MS ? warn(text, 'put it nearer: phase 1 of each call waits for it') : ok(text);
    },
  };
}

/** The keys, and whether they open what is stored. */
export function keyringCheck({ vaultKeys }: Pick<Secrets, 'vaultKeys'>, installation: Installation): Check {
  return {
    name: 'vault',
    run: async (): Promise<Finding> => {
      const where = vaultKeys.length > 0 ? 'VAULT__KEYS' : installation.keyringPath;
      const storage = await installation.storage();
      if (storage === null || (await storage.pendingMigrations()).length > 0) {
        return vaultKeys.length > 0 ? ok('keys are in VAULT__KEYS') : ok(`${where} is made by npm start`);
      }
      if (await installation.secretBox(storage)) {
        const advice = vaultKeys.length > 0 ? '' : '; back it up apart from the database';
        return ok(`${where} opens what is stored${advice}`);
      }
      const needed = await storage.sealedSecrets.usedKeyIds();
      if (needed.length === 0) return ok(`${where} is made by npm start`);
      return fail(
        `${where} is gone, and stored secrets need the vault key ${needed.join(', ')}`,
        'put the keyring back, or set VAULT__KEYS',
      );
    },
  };
}
