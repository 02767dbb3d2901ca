import { askTrunk, type TrunkCheckParts } from '../../channels/sip/check-trunk.ts';
import type { OpenCredential } from '../../core/credential/credential.ts';
import { credentialVault } from '../../vault/credential-vault.ts';
import { allCredentials, usable } from './carriers.ts';
import { type Check, type Finding, fail, ok, warn, wordsOf } from './check.ts';
import type { Installation } from './installation.ts';

/** Asks each trunk that we register with whether it takes the account, and whether it has a contact of ours now. */
export function registrationsCheck(installation: Installation, parts: TrunkCheckParts): Check {
  return {
    name: 'registrations',
    run: async (signal) => {
      const accounts = await accountsOf(installation);
      if (accounts.length === 0) return ok('no account is to be registered at a trunk');
      return await Promise.all(accounts.map((account) => standingOf(parts, account, signal)));
    },
  };
}

type Account = { readonly name: string; readonly trunk: OpenCredential };

async function accountsOf(installation: Installation): Promise<readonly Account[]> {
  const storage = await usable(installation);
  const secretBox = storage && (await installation.secretBox(storage));
  if (!storage || !secretBox) return [];
  const vault = credentialVault(secretBox);
  const stored = (await allCredentials(storage)).filter(({ provider }) => provider === 'sip');
  const opened = await Promise.all(
    stored.map(async (each) => ({ name: JSON.stringify(each.name), trunk: await vault.open(each) })),
  );
  return opened.filter(({ trunk }) => trunk.text('register') === 'true');
}

async function standingOf(parts: TrunkCheckParts, { name, trunk }: Account, signal: AbortSignal): Promise<Finding> {
  try {
    const { contacts, detail } = await askTrunk(parts, trunk, signal);
    if (contacts !== 0) return ok(`${name}: ${detail}`);
    return warn(`${name}: ${detail}`, 'npm start; where it runs, its log says at sip.not_registered why');
  } catch (error) {
    return fail(`${name}: ${wordsOf(error)}`, 'correct the account: PATCH /v1/credentials/{id}');
  }
}
