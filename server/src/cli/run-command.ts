import { openPostgresBus } from '../bus/postgres-bus.ts';
import type { Config } from '../config/config.ts';
import { printConfig } from '../config/print-config.ts';
import type { Secrets } from '../config/secrets.ts';
import { AppError } from '../core/errors.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import { API_KEY_SCOPES } from '../core/project/project.ts';
import { installLocalSpeech } from '../providers/index.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandom } from '../runtime/system-random.ts';
import { openStorage, type Storage } from '../storage/open-storage.ts';
import { createApiKey } from '../vault/create-api-key.ts';
import { addKeyringKey } from '../vault/keyring-file.ts';
import { openSecretBox } from '../vault/open-secret-box.ts';
import { rewrapDataKeys } from '../vault/rotate-keys.ts';
import { addCredential, type CredentialWorld, showCredentials } from './credential-commands.ts';
import { runDoctor } from './doctor/run-doctor.ts';
import type { OneShotCommand } from './parse-command.ts';
import type { Terminal } from './terminal.ts';

export type CommandWorld = {
  readonly config: Config;
  readonly secrets: Secrets;
  /** What reading the settings had to say. */
  readonly warnings: readonly string[];
  readonly cacheDir: string;
  /** PATH */
  readonly searchPath: string;
  readonly log: EventLog;
  readonly say: (text: string) => void;
  readonly terminal: Terminal;
};

/** Runs a command that does one thing and ends; resolves to the exit code. @throws AppError saying what to do. */
export async function runCommand(command: OneShotCommand, world: CommandWorld): Promise<number> {
  switch (command.type) {
    case 'config':
      world.say(printConfig(world.config, world.secrets));
      return 0;
    case 'data-export':
      return await withStorage(world, async (storage) => tell(world, 'wrote', await storage.exportTo(command.file)));
    case 'data-import':
      return await withStorage(world, async (storage) => tell(world, 'read', await storage.importFrom(command.file)));
    case 'speech-install':
      await installLocalSpeech({
        cacheDir: world.cacheDir,
        searchPath: world.searchPath,
        clock: systemClock,
        log: world.say,
      });
      return 0;
    case 'credential-add':
      return await withCredentials(world, (parts) => addCredential(parts, command.wish));
    case 'credential-list':
      return await withCredentials(world, showCredentials);
    case 'vault-rotate':
      return await withStorage(world, (storage) => rotateVault(world, storage));
    case 'doctor':
      return await runDoctor(world, command.wish, world.say);
    case 'key-create':
      return await withStorage(world, (storage) => createKey(world, storage, command));
  }
}

async function withStorage(world: CommandWorld, use: (storage: Storage) => Promise<number>): Promise<number> {
  const { config, secrets, log } = world;
  const { databaseUrl: url } = secrets;
  const database =
    url === null ? ({ type: 'embedded', dataDir: config.dataDir } as const) : ({ type: 'url', url } as const);
  await using storage = await openStorage({ database, log });
  return await use(storage);
}

function tell(world: CommandWorld, verb: string, counts: Readonly<Record<string, number>>): number {
  for (const [table, rows] of Object.entries(counts)) world.say(`${verb} ${rows} rows of ${table}`);
  return 0;
}

async function withCredentials(world: CommandWorld, use: (parts: CredentialWorld) => Promise<void>): Promise<number> {
  const { config, secrets, log, say, terminal } = world;
  return await withStorage(world, async (storage) => {
    const project = await firstProject(storage);
    const { secretBox } = await openSecretBox({ ...secrets, dataDir: config.dataDir, store: storage.sealedSecrets });
    await using bus = openPostgresBus({ connection: storage.connection, clock: systemClock, log });
    await use({ storage, secretBox, projectId: project.id, bus, log, say, terminal });
    return 0;
  });
}

/** A new key in the keyring file, and every data key wrapped with it; of VAULT__KEYS the first is already the new one. */
async function rotateVault({ config, secrets, say }: CommandWorld, storage: Storage): Promise<number> {
  const { vaultKeys } = secrets;
  const { dataDir } = config;
  await openSecretBox({ vaultKeys, dataDir, store: storage.sealedSecrets });
  if (vaultKeys.length === 0) addKeyringKey(dataDir);
  const { secretBox, keyring } = await openSecretBox({ vaultKeys, dataDir, store: storage.sealedSecrets });
  const count = await rewrapDataKeys(storage.sealedSecrets, secretBox, keyring.currentKeyId);
  say(`vault key ${keyring.currentKeyId} is in use; ${count} data keys were wrapped anew`);
  say(
    vaultKeys.length === 0
      ? 'Running servers read the keyring again when they meet the new key. Back it up.'
      : 'Running servers know VAULT__KEYS of their start: they open nothing new until they are started again.',
  );
  return 0;
}

async function firstProject(storage: Storage) {
  const [project] = await storage.assistants.listProjects();
  if (!project) throw new AppError('not_found', { detail: 'there is no project yet: run npm start once' });
  return project;
}

async function createKey(
  { config, secrets, say }: CommandWorld,
  storage: Storage,
  wish: { readonly name: string; readonly isSealed: boolean },
): Promise<number> {
  const project = await firstProject(storage);
  const { secretBox } = await openSecretBox({ ...secrets, dataDir: config.dataDir, store: storage.sealedSecrets });
  const { key } = await createApiKey(
    { apiKeys: storage.apiKeys, secretBox, random: systemRandom },
    { ...wish, projectId: project.id, scopes: API_KEY_SCOPES },
  );
  say(`${key}   (shown this once; project ${project.name})`);
  return 0;
}
