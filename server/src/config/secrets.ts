import type { SettingReader } from './setting-reader.ts';
import { SettingMistake } from './setting-values.ts';

/** One key-encryption key of VAULT__KEYS: 32 bytes under a name that stays in the rows it wrapped. */
export type VaultKey = { readonly keyId: string; readonly key: Uint8Array };

/** What is never printed, logged or put into an error. */
export type Secrets = {
  /** With user and password; null: the embedded database. */
  readonly databaseUrl: string | null;
  /** The first wraps new data keys; empty: the keyring file. */
  readonly vaultKeys: readonly VaultKey[];
  readonly demoApiKey: string | null;
  readonly openAiApiKey: string | null;
};

/** Reads the secrets; mistakes are noted in the reader without the value. */
export function readSecrets(settings: SettingReader): Omit<Secrets, 'databaseUrl'> {
  return {
    vaultKeys: settings.read('VAULT__KEYS', [], parseVaultKeys),
    demoApiKey: settings.read('DEMO__API_KEY', null, parseApiKeyShape),
    openAiApiKey: settings.text('OPENAI_API_KEY'),
  };
}

const KEY_BYTES = 32;

/** `2:<base64>,1:<base64>`, newest first. */
function parseVaultKeys(text: string): readonly VaultKey[] {
  const keys = text.split(',').map((entry, index) => parseVaultKey(entry.trim(), index + 1));
  const ids = new Set(keys.map(({ keyId }) => keyId));
  if (ids.size !== keys.length) throw new SettingMistake('uses one key id twice');
  return keys;
}

function parseVaultKey(entry: string, position: number): VaultKey {
  const [, keyId, encoded] = /^([\w.-]{1,64}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry) ?? [];
  const key = Buffer.from(encoded ?? '', 'base64');
  if (keyId === undefined || key.length !== KEY_BYTES) {
    throw new SettingMistake(
      `must be id:key pairs separated by commas, each key ${KEY_BYTES} bytes in base64; entry ${position} is none`,
    );
  }
  return { keyId, key: new Uint8Array(key) };
}

/** The form only; whether the checksum fits is told when the key is made. */
function parseApiKeyShape(text: string): string {
  if (!/^rpd-[0-9A-Za-z]{36}$/.test(text)) throw new SettingMistake('must be rpd- and 36 letters or digits');
  return text;
}
