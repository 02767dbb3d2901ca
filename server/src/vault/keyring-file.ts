import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { KEY_BYTES } from './aes-gcm.ts';
import { LocalKeyring, type VaultKey } from './local-keyring.ts';

const KEYRING_FILE = 'keyring.json';
const FORMAT = 1;

export type KeyringFile = { readonly keyring: LocalKeyring; readonly path: string; readonly isNew: boolean };

/**
 * Opens the keyring in the data directory, making it once with a random key. Without it nothing sealed opens again, so it
 * reaches the disk before it is used, and its key has an id of its own: a lost and re-made keyring is noticed.
 * @throws AppError not_configured when others may read it, or it is damaged, saying what to do.
 */
export function openKeyringFile(dataDir: string): KeyringFile {
  const path = join(dataDir, KEYRING_FILE);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const isNew = !statSync(path, { throwIfNoEntry: false }) && createFile(path, [newKey()]);
  return { keyring: new LocalKeyring(readKeys(path)), path, isNew };
}

/** Reads the keyring in the data directory. @throws AppError as `openKeyringFile`, or the system's error when there is none. */
export function readKeyringFile(dataDir: string): LocalKeyring {
  return new LocalKeyring(readKeys(join(dataDir, KEYRING_FILE)));
}

/** Adds a new current key to the keyring in the data directory; the old ones stay, for what they wrapped. */
export function addKeyringKey(dataDir: string): LocalKeyring {
  const path = join(dataDir, KEYRING_FILE);
  const keys = [newKey(), ...readKeys(path)];
  const draft = writeDraft(path, keys);
  renameSync(draft, path);
  syncFolder(path);
  return new LocalKeyring(keys);
}

function newKey(): VaultKey {
  return { keyId: `local-${randomBytes(4).toString('hex')}`, key: randomBytes(KEY_BYTES) };
}

/** False when another process made it first: then that one counts. */
function createFile(path: string, keys: readonly VaultKey[]): boolean {
  const draft = writeDraft(path, keys);
  try {
    linkSync(draft, path);
    syncFolder(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDraft(path: string, keys: readonly VaultKey[]): string {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const entries = keys.map(({ keyId, key }) => ({ id: keyId, key: Buffer.from(key).toString('base64') }));
  const file = openSync(draft, 'wx', 0o600);
  try {
    fchmodSync(file, 0o600);
    writeSync(file, `${JSON.stringify({ format: FORMAT, keys: entries }, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

function readKeys(path: string): readonly VaultKey[] {
  const { mode } = statSync(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new AppError('not_configured', {
      detail: `the keyring ${path} may be read by others (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${path}`,
    });
  }
  const keys = parseKeys(readFileSync(path, 'utf8'));
  if (keys === null) {
    throw new AppError('not_configured', {
      detail: `the keyring ${path} is damaged. Put back a copy of it; a new one would open nothing that was sealed before`,
    });
  }
  return keys;
}

function parseKeys(text: string): readonly VaultKey[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  const { format, keys } = (parsed ?? {}) as { format?: unknown; keys?: unknown };
  if (format !== FORMAT || !Array.isArray(keys) || keys.length === 0) return null;
  const read: VaultKey[] = [];
  for (const entry of keys as unknown[]) {
    const { id, key } = (entry ?? {}) as { id?: unknown; key?: unknown };
    if (typeof id !== 'string' || id === '' || typeof key !== 'string') return null;
    const bytes = Buffer.from(key, 'base64');
    if (bytes.length !== KEY_BYTES) return null;
    read.push({ keyId: id, key: bytes });
  }
  return read;
}
