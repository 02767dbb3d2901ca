import type { DatabaseConfig } from './config.ts';
import type { SettingReader } from './setting-reader.ts';
import { parseHost, parseInteger, parseWord, SettingMistake } from './setting-values.ts';
import type { SettingName } from './settings.ts';

export type DatabaseSettings = { readonly config: DatabaseConfig; readonly url: string | null };

const PARTS = [
  'POSTGRES__PORT',
  'POSTGRES__DB_NAME',
  'POSTGRES__AUTH__USER',
  'POSTGRES__AUTH__PASSWORD',
  'POSTGRES__SSL_MODE',
] as const satisfies readonly SettingName[];

const DEFAULT_PORT = 5432;
/** What node-postgres can do of libpq's modes without further files. */
const SSL_MODES = ['disable', 'require', 'verify-full'] as const;

/** DATABASE_URL, else POSTGRES__*, else the embedded database. */
export function readDatabase(settings: SettingReader): DatabaseSettings {
  const maxConnections = settings.read('POSTGRES__MAX_OPEN_CONNECTION', null, (text) => parseInteger(text, 4, 1000));
  const hasParts = settings.text('POSTGRES__HOST') !== null || PARTS.some((name) => settings.text(name) !== null);
  if (settings.text('DATABASE_URL') !== null) {
    if (hasParts) settings.warnings.push('DATABASE_URL is set, so POSTGRES__HOST and its companions are ignored');
    const url = settings.read('DATABASE_URL', null, parseDatabaseUrl);
    return { config: { type: 'external', address: url ? addressOf(url) : '', maxConnections }, url: url?.href ?? null };
  }
  if (!hasParts) return { config: { type: 'embedded' }, url: null };
  return readParts(settings, maxConnections);
}

function readParts(settings: SettingReader, maxConnections: number | null): DatabaseSettings {
  const host = need(settings, 'POSTGRES__HOST', parseHost);
  const database = need(settings, 'POSTGRES__DB_NAME', (text) => text);
  const user = need(settings, 'POSTGRES__AUTH__USER', (text) => text);
  const password = settings.text('POSTGRES__AUTH__PASSWORD');
  const port = settings.read('POSTGRES__PORT', DEFAULT_PORT, (text) => parseInteger(text, 1, 65_535));
  const sslMode = settings.read('POSTGRES__SSL_MODE', null, (text) => parseWord(text, SSL_MODES));
  const login = encodeURIComponent(user) + (password === null ? '' : `:${encodeURIComponent(password)}`);
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}`;
  // `uselibpqcompat` gives `require` the meaning PostgreSQL's own clients give it: encrypted, whoever answers.
  const query = sslMode === null ? '' : `?uselibpqcompat=true&sslmode=${sslMode}`;
  return { config: { type: 'external', address, maxConnections }, url: `postgres://${login}@${address}${query}` };
}

function need(settings: SettingReader, name: SettingName, parse: (text: string) => string): string {
  if (settings.text(name) === null) settings.mistake(name, 'is needed as other POSTGRES__ settings are set');
  return settings.read(name, '', parse);
}

function parseDatabaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new SettingMistake('must be a postgres:// address; encode special characters of the password, as @ by %40');
  }
  return url;
}

function addressOf(url: URL): string {
  return `${url.host || 'local socket'}${url.pathname}`;
}
