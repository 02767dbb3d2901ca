import { parseAssistantId } from '../core/ids.ts';
import { type Config, LOG_LEVELS, MEDIA_IOS } from './config.ts';
import { defaultDataDir, type Machine, parseDataDir, thisMachine } from './data-dir.ts';
import { readDatabase } from './database-settings.ts';
import type { Environment } from './env-file.ts';
import { readPublicHost } from './public-host.ts';
import { readSecrets, type Secrets } from './secrets.ts';
import { SettingReader } from './setting-reader.ts';
import {
  parseHost,
  parseHttpUrl,
  parseInteger,
  parseNets,
  parsePort,
  parseWord,
  SettingMistake,
} from './setting-values.ts';
import { readSip } from './sip-settings.ts';
import { warnOfUnknownNames } from './unknown-names.ts';

export type ConfigReading =
  | { readonly config: Config; readonly secrets: Secrets; readonly warnings: readonly string[] }
  /** All mistakes at once, each saying what to set. */
  | { readonly errors: readonly string[] };

const DEFAULT_HTTP_PORT = 9007;
/** Asterisk's own example port for AudioSocket. */
const DEFAULT_AUDIOSOCKET_PORT = 4573;
const DEFAULT_GRACE_SECONDS = 120;
const LONGEST_GRACE_SECONDS = 86_400;

/** Environment names -> one validated configuration, its secrets apart. Reads nothing but its arguments. */
export function readConfig(env: Environment, machine: Machine = thisMachine()): ConfigReading {
  const settings = new SettingReader(env);
  const publicHost = readPublicHost(settings, 'PUBLIC_ASSISTANT_HOST');
  const database = readDatabase(settings);
  const config: Config = {
    publicHost,
    http: readHttp(settings),
    audioSocket: readAudioSocket(settings, publicHost),
    sip: readSip(settings),
    mediaIo: settings.read('MEDIA__IO', 'auto', (text) => parseWord(text, MEDIA_IOS)),
    database: database.config,
    dataDir: settings.read('DATA_DIR', defaultDataDir(env, machine), (text) => parseDataDir(text, machine)),
    demo: { assistantId: settings.read('DEMO__ASSISTANT_ID', null, parseDemoId) },
    openAi: readOpenAi(settings),
    logLevel: settings.read('LOG_LEVEL', 'info', (text) => parseWord(text, LOG_LEVELS)),
    shutdownGraceMs: settings.read('SHUTDOWN__GRACE', DEFAULT_GRACE_SECONDS, parseGrace) * 1000,
  };
  const secrets: Secrets = { databaseUrl: database.url, ...readSecrets(settings) };
  checkTcpPorts(settings, config);
  settings.warnings.push(...warnOfUnknownNames(Object.keys(env)));
  return settings.errors.length > 0 ? { errors: settings.errors } : { config, secrets, warnings: settings.warnings };
}

function readHttp(settings: SettingReader): Config['http'] {
  const tls = settings.pair('TLS__CERT', 'TLS__KEY');
  return {
    host: settings.read('HOST', '0.0.0.0', parseHost),
    port: settings.read('PORT', DEFAULT_HTTP_PORT, parsePort),
    tls: tls && { certFile: tls[0], keyFile: tls[1] },
    trustedProxies: settings.read('HTTP__TRUSTED_PROXIES', [], parseNets),
  };
}

function readOpenAi(settings: SettingReader): Config['openAi'] {
  return {
    baseUrl: settings.read('OPENAI_BASE_URL', null, parseHttpUrl),
    model: settings.text('OPENAI_MODEL'),
    speechToTextModel: settings.text('OPENAI_STT_MODEL'),
    textToSpeechModel: settings.text('OPENAI_TTS_MODEL'),
    voice: settings.text('OPENAI_TTS_VOICE'),
  };
}

function readAudioSocket(settings: SettingReader, publicHost: string | null): Config['audioSocket'] {
  return {
    host: settings.read('AUDIOSOCKET__HOST', '0.0.0.0', parseHost),
    port: settings.read('AUDIOSOCKET__PORT', DEFAULT_AUDIOSOCKET_PORT, parsePort),
    // A port in PUBLIC_ASSISTANT_HOST is the one of HTTP, never AudioSocket's.
    publicHost: readPublicHost(settings, 'AUDIOSOCKET__PUBLIC_HOST') ?? publicHost?.replace(/:\d+$/, '') ?? null,
  };
}

function parseDemoId(text: string): NonNullable<Config['demo']['assistantId']> {
  const id = parseAssistantId(text);
  if (id === null) throw new SettingMistake('must be a decimal number from 1 to 9007199254740991');
  return id;
}

function parseGrace(text: string): number {
  return parseInteger(text, 0, LONGEST_GRACE_SECONDS);
}

/** Two listeners on one port: the second would fail later, and with less to go by. */
function checkTcpPorts(settings: SettingReader, config: Config): void {
  const taken = new Map<number, string>([[config.http.port, 'PORT']]);
  const others: readonly (readonly [string, number])[] = [
    ['AUDIOSOCKET__PORT', config.audioSocket.port],
    ['SIP__PORT', config.sip.port],
    ...(config.sip.tls ? [['SIP__TLS_PORT', config.sip.tls.port] as const] : []),
  ];
  for (const [name, port] of others) {
    const other = taken.get(port);
    if (port !== 0 && other !== undefined) settings.errors.push(`${name}=${port} is also ${other}: set them apart`);
    taken.set(port, name);
  }
}
