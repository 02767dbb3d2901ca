import { AppError } from '../../core/errors.ts';
import { credentialVault } from '../../vault/credential-vault.ts';
import { Prompt } from '../terminal.ts';
import type { AriLogin } from './asterisk-ari.ts';
import { Installation } from './installation.ts';
import type { DoctorWorld } from './topic.ts';

/** A login, and what its calls are dialled over. */
export type KnownLogin = AriLogin & { readonly endpoint: string | null };

/** From the words of the command, else of every stored credential. @throws AppError invalid_parameters. */
export async function loginsOf(
  world: DoctorWorld,
  url: unknown,
  user: unknown,
  stack: AsyncDisposableStack,
): Promise<readonly KnownLogin[]> {
  if (typeof url === 'string' && typeof user === 'string') {
    if (!URL.canParse(url)) throw new AppError('invalid_parameters', { detail: '--ari-url wants http://host:8088' });
    using prompt = new Prompt(world.terminal);
    const password = await prompt.ask({
      key: 'ari_password',
      help: `Password of ${user} in ari.conf.`,
      isSecret: true,
      isRequired: true,
    });
    return [{ url, user, password, endpoint: null }];
  }
  if (url !== undefined || user !== undefined) {
    throw new AppError('invalid_parameters', {
      detail: '--ari-url and --ari-user go together; the password is asked for',
    });
  }
  const stored = await storedLogins(new Installation(world, stack));
  if (stored.length > 0) return stored;
  throw new AppError('invalid_parameters', {
    detail: 'no Asterisk account is stored: give --ari-url and --ari-user, or run npm start -- credential add asterisk',
  });
}

async function storedLogins(installation: Installation): Promise<readonly KnownLogin[]> {
  const storage = await installation.storage();
  if (!storage || (await storage.pendingMigrations()).length > 0) return [];
  const secretBox = await installation.secretBox(storage);
  if (!secretBox) return [];
  const projects = await storage.assistants.listProjects();
  const all = (await Promise.all(projects.map(({ id }) => storage.credentials.list(id)))).flat();
  const vault = credentialVault(secretBox);
  const opened = await Promise.all(all.filter(({ provider }) => provider === 'asterisk').map((one) => vault.open(one)));
  return opened.map((credential) => {
    const trunk = credential.text('trunk');
    const technology = credential.text('endpoint_technology') ?? 'PJSIP';
    return {
      url: credential.text('ari_url') ?? '',
      user: credential.text('ari_user') ?? '',
      password: credential.text('ari_password') ?? '',
      endpoint: trunk && `${technology}/${trunk}`,
    };
  });
}
