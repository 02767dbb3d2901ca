import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Environment, parseEnvFile } from './env-file.ts';
import { printConfig } from './print-config.ts';
import { readConfig } from './read-config.ts';

const machine = { platform: 'linux', uid: 1000, homeDir: '/home/op' } as const;
const KEY32 = Buffer.alloc(32, 7).toString('base64');

function good(env: Environment) {
  const reading = readConfig(env, machine);
  if ('errors' in reading) throw new Error(reading.errors.join('\n'));
  return reading;
}

function mistakes(env: Environment): readonly string[] {
  const reading = readConfig(env, machine);
  return 'errors' in reading ? reading.errors : [];
}

test('nothing set is a whole configuration without a warning', () => {
  const { config, secrets, warnings } = good({ PATH: '/bin', HOME: '/home/op' });

  expect(config).toEqual({
    publicHost: null,
    http: { host: '0.0.0.0', port: 9007, tls: null, trustedProxies: [] },
    audioSocket: { host: '0.0.0.0', port: 4573, publicHost: null },
    sip: {
      host: '0.0.0.0',
      port: 5090,
      tls: null,
      externalIp: null,
      localNets: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10'],
      rtpPorts: { start: 10000, end: 20000 },
    },
    mediaIo: 'auto',
    database: { type: 'embedded' },
    dataDir: '/home/op/.local/share/assistant-api',
    demo: { assistantId: null },
    openAi: { baseUrl: null, model: null, speechToTextModel: null, textToSpeechModel: null, voice: null },
    logLevel: 'info',
    shutdownGraceMs: 120000,
  });
  expect(secrets).toEqual({ databaseUrl: null, vaultKeys: [], demoApiKey: null, openAiApiKey: null });
  expect(warnings).toEqual([]);
});

test("values that Docker's env_file passed on with their comments are cut", () => {
  const { config } = good({
    PUBLIC_ASSISTANT_HOST: 'your-public-hostname.com   # No https:// prefix',
    SIP__SERVER: '0.0.0.0           # Bind address',
    SIP__PORT: '5090                 # SIP signalling port (UDP)',
    SIP__EXTERNAL_IP: '203.0.113.10 # Your PUBLIC IP',
    AUDIOSOCKET__HOST: '# all',
  });

  expect(config.publicHost).toBe('your-public-hostname.com');
  expect(config.sip).toMatchObject({ host: '0.0.0.0', port: 5090, externalIp: '203.0.113.10' });
  expect(config.audioSocket.host).toBe('0.0.0.0');
});

test('all mistakes are told together, each with what to set', () => {
  expect(
    mistakes({
      PORT: '90070',
      HOST: 'http://me',
      TLS__CERT: '/cert.pem',
      AUDIOSOCKET__PORT: 'abc',
      SIP__EXTERNAL_IP: 'example.com',
      SIP__LOCAL_NETS: '10.0.0.0/8, 10.0.0.0/99',
      LOG_LEVEL: 'loud',
      SHUTDOWN__GRACE: '-1',
      DEMO__ASSISTANT_ID: '9007199254740992',
      DEMO__API_KEY: 'hunter2',
      VAULT__KEYS: 'hunter2',
      DATABASE_URL: 'mysql://hunter2',
      OPENAI_BASE_URL: 'ftp://x',
    }),
  ).toEqual([
    'DATABASE_URL must be a postgres:// address; encode special characters of the password, as @ by %40; set for example DATABASE_URL=postgres://user:password@db.example.com:5432/assistant',
    'TLS__CERT is set and TLS__KEY is not: set both, or neither',
    'HOST=http://me must be a host name or an IP address, without scheme, port or path; set for example HOST=0.0.0.0',
    'PORT=90070 must be a whole number from 0 to 65535; set for example PORT=9007',
    'AUDIOSOCKET__PORT=abc must be a whole number from 0 to 65535; set for example AUDIOSOCKET__PORT=4573',
    'SIP__EXTERNAL_IP=example.com must be an IP address; set for example SIP__EXTERNAL_IP=203.0.113.10',
    'SIP__LOCAL_NETS=10.0.0.0/8, 10.0.0.0/99 must be networks like 10.0.0.0/8 separated by commas; "10.0.0.0/99" is none; set for example SIP__LOCAL_NETS=10.0.0.0/8,192.168.0.0/16',
    'DEMO__ASSISTANT_ID=9007199254740992 must be a decimal number from 1 to 9007199254740991; set for example DEMO__ASSISTANT_ID=123456789',
    'OPENAI_BASE_URL=ftp://x must be an http:// or https:// address without user and password; set for example OPENAI_BASE_URL=https://api.openai.com/v1',
    'LOG_LEVEL=loud must be one of debug, info, warn, error, silent; set for example LOG_LEVEL=info',
    'SHUTDOWN__GRACE=-1 must be a whole number from 0 to 86400; set for example SHUTDOWN__GRACE=120',
    'VAULT__KEYS must be id:key pairs separated by commas, each key 32 bytes in base64; entry 1 is none; set for example VAULT__KEYS=1:<32 bytes in base64>',
    'DEMO__API_KEY must be rpd- and 36 letters or digits; set for example DEMO__API_KEY=rpd-<36 letters and digits, the last 6 a checksum>',
  ]);
});

describe('the public host', () => {
  test.each([
    ['https://a.example.com/', 'a.example.com'],
    ['wss://a.example.com:8443/v1/talk?x=1', 'a.example.com:8443'],
    ['a.example.com/', 'a.example.com'],
  ])('%s is normalised with a warning', (written, used) => {
    const { config, warnings } = good({ PUBLIC_ASSISTANT_HOST: written });

    expect(config.publicHost).toBe(used);
    expect(warnings).toEqual([
      `PUBLIC_ASSISTANT_HOST is used as "${used}": it takes a host name, without scheme or path`,
    ]);
  });

  test.each(['a.example.com', 'a.example.com:8443', '203.0.113.10', '[2001:db8::1]:443'])('%s stays', (host) => {
    expect(good({ PUBLIC_ASSISTANT_HOST: host })).toMatchObject({ config: { publicHost: host }, warnings: [] });
  });

  test.each(['a b', 'a.example.com:99999', 'user@host', '999.1.1.1', 'https://', '[::1'])('%j is a mistake', (host) => {
    expect(mistakes({ PUBLIC_ASSISTANT_HOST: host })).toHaveLength(1);
  });

  test("AudioSocket's is the same without the port, unless it has its own", () => {
    expect(good({ PUBLIC_ASSISTANT_HOST: 'a.example.com:8443' }).config.audioSocket.publicHost).toBe('a.example.com');
    expect(
      good({ PUBLIC_ASSISTANT_HOST: 'a.example.com', AUDIOSOCKET__PUBLIC_HOST: 'pbx-side.example.com' }).config
        .audioSocket.publicHost,
    ).toBe('pbx-side.example.com');
  });
});

test('a way to carry audio that there is not is a mistake that tells which there are', () => {
  expect(good({ MEDIA__IO: 'node' }).config.mediaIo).toBe('node');
  expect(mistakes({ MEDIA__IO: 'raw' })).toEqual([expect.stringContaining('auto, native, node')]);
});

describe('the RTP range', () => {
  const range = (start: string, end: string) => ({ SIP__RTP_PORT_RANGE_START: start, SIP__RTP_PORT_RANGE_END: end });

  test('an odd start is rounded up', () => {
    expect(good(range('10001', '10100')).config.sip.rtpPorts).toEqual({ start: 10002, end: 10100 });
  });

  test.each([
    ['10000', '10000'],
    ['10001', '10002'],
    ['20000', '10000'],
  ])('%s-%s holds no pair: an error', (start, end) => {
    expect(mistakes(range(start, end))).toEqual([expect.stringContaining('leaves no pair of ports')]);
  });

  test('one pair is enough', () => {
    expect(good(range('10001', '10003')).config.sip.rtpPorts).toEqual({ start: 10002, end: 10003 });
  });

  test.each([
    ['20000', '32767', 0],
    ['20000', '32768', 1],
    ['60999', '61010', 0],
    ['60998', '61010', 1],
    ['61000', '65535', 0],
  ])('%s-%s gives %i warnings about the ports the system takes', (start, end, count) => {
    expect(good(range(start, end)).warnings).toHaveLength(count);
  });
});

describe('the database', () => {
  test('parts make an address, special characters encoded, the password in the secrets only', () => {
    const { config, secrets } = good({
      POSTGRES__HOST: 'db',
      POSTGRES__DB_NAME: 'assistant',
      POSTGRES__AUTH__USER: 'op',
      POSTGRES__AUTH__PASSWORD: 'p@ss #1/:',
      POSTGRES__SSL_MODE: 'require',
      POSTGRES__MAX_OPEN_CONNECTION: '20',
    });

    expect(config.database).toEqual({ type: 'external', address: 'db:5432/assistant', maxConnections: 20 });
    expect(secrets.databaseUrl).toBe(
      'postgres://op:p%40ss%20%231%2F%3A@db:5432/assistant?uselibpqcompat=true&sslmode=require',
    );
  });

  test('DATABASE_URL goes before the parts, with a warning', () => {
    const reading = good({ DATABASE_URL: 'postgres://op:pw@db:6543/x', POSTGRES__HOST: 'other' });

    expect(reading.config.database).toEqual({ type: 'external', address: 'db:6543/x', maxConnections: null });
    expect(reading.warnings).toEqual(['DATABASE_URL is set, so POSTGRES__HOST and its companions are ignored']);
  });

  test('half of the parts is a mistake that names the other half', () => {
    expect(mistakes({ POSTGRES__AUTH__PASSWORD: 'hunter2' }).map((text) => text.split(' ')[0])).toEqual([
      'POSTGRES__HOST=',
      'POSTGRES__DB_NAME=',
      'POSTGRES__AUTH__USER=',
    ]);
  });
});

describe('names that are not ours', () => {
  test.each([
    ['SIP__PORTT', 'SIP__PORT'],
    ['SIP_PORT', 'SIP__PORT'],
    ['AUDIO_SOCKET__PORT', 'AUDIOSOCKET__PORT'],
    ['PUBLIC_ASSISTANT_HOSTNAME', 'PUBLIC_ASSISTANT_HOST'],
    ['POSTGRES__USER', 'POSTGRES__AUTH__USER'],
    ['sip__port', 'SIP__PORT'],
  ])('%s is warned of, with %s as the nearest', (written, nearest) => {
    expect(good({ [written]: 'x' }).warnings).toEqual([
      `${written} is not a setting and is ignored; did you mean ${nearest}?`,
    ]);
  });

  test.each(['PATH', 'HOSTNAME', 'POSTGRES_PASSWORD', 'OPENAI_ORG_ID', 'XDG_DATA_HOME'])('%s is left alone', (name) => {
    expect(good({ [name]: '/x' }).warnings).toEqual([]);
  });
});

describe('the data directory', () => {
  const dirFor = (env: Environment, on: Parameters<typeof readConfig>[1]) => {
    const reading = readConfig(env, on);
    return 'config' in reading ? reading.config.dataDir : null;
  };

  test('defaults to where the system keeps data of a user, or of the system under uid 0', () => {
    expect(dirFor({}, { ...machine, uid: 0 })).toBe('/var/lib/assistant-api');
    expect(dirFor({ XDG_DATA_HOME: '/data' }, machine)).toBe('/data/assistant-api');
    expect(dirFor({ XDG_DATA_HOME: 'relative' }, machine)).toBe('/home/op/.local/share/assistant-api');
    expect(dirFor({}, { platform: 'darwin', uid: 501, homeDir: '/Users/op' })).toBe(
      '/Users/op/Library/Application Support/assistant-api',
    );
  });

  test('a home folder written as ~ is meant', () => {
    expect(good({ DATA_DIR: '~/calls' }).config.dataDir).toBe('/home/op/calls');
  });
});

test('two listeners on one TCP port are a mistake', () => {
  expect(mistakes({ PORT: '4573' })).toEqual(['AUDIOSOCKET__PORT=4573 is also PORT: set them apart']);
  expect(mistakes({ PORT: '0', AUDIOSOCKET__PORT: '0' })).toEqual([]);
});

test('vault keys keep their order: the first is the newest', () => {
  const { secrets } = good({ VAULT__KEYS: `2:${KEY32}, 1:${KEY32}` });

  expect(secrets.vaultKeys).toEqual([
    { keyId: '2', key: new Uint8Array(32).fill(7) },
    { keyId: '1', key: new Uint8Array(32).fill(7) },
  ]);
  expect(mistakes({ VAULT__KEYS: `1:${KEY32},1:${KEY32}` })).toEqual([
    expect.stringContaining('uses one key id twice'),
  ]);
});

test('every line of the example file is a value that is right', () => {
  const path = join(import.meta.dirname, '../../../docker/assistant-api/.assistant.env.example');
  const text = readFileSync(path, 'utf8').replace(/^#(?=[A-Z][A-Z0-9_]*=)/gm, '');
  const { values, errors } = parseEnvFile(text);
  const { VAULT__KEYS: _keys, DEMO__API_KEY: _key, DATABASE_URL: _url, ...env } = Object.fromEntries(values);

  expect(errors).toEqual([]);
  expect(mistakes(env)).toEqual([]);
  expect(good(env).warnings).toEqual([]);
});

test('printing shows every setting and no secret', () => {
  const { config, secrets } = good({
    VAULT__KEYS: `1:${KEY32}`,
    DATABASE_URL: 'postgres://op:hunter2@db/x',
    OPENAI_API_KEY: 'sk-hunter2',
  });

  const text = printConfig(config, secrets);

  expect(text).not.toMatch(/hunter2|BwcH/);
  expect(text).toContain('http.port = 9007\n');
  expect(text).toContain('database.address = db/x\n');
  expect(text).toContain('secrets.openAiApiKey = ***');
  expect(text).toContain('secrets.demoApiKey = not set');
});
