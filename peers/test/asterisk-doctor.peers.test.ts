import { PassThrough } from 'node:stream';
import { runDoctor } from '@assistant/server/cli/doctor/run-doctor';
import { loadConfig } from '@assistant/server/config/load-config';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { configTemplate } from '../src/asterisk/config-files.ts';
import { freeTcpPorts } from '../src/free-ports.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';

const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => quiet };

let server: ServerUnderTest;
let asterisk: Asterisk;

beforeAll(async () => {
  server = await startServer();
  asterisk = await start();
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('npm start -- doctor asterisk, with a real Asterisk 22', () => {
  test('one that is right: everything is told, nothing is to repair', async () => {
    const { exitCode, lines } = await examine(asterisk, { endpoint: 'PJSIP/15551234@rapida-trunk' });

    expect(exitCode).toBe(0);
    expect(lines[0]).toContain('ok    ARI                 Asterisk 22.');
    expect(lines).toContain('ok    modules             all that calls need is running');
    expect(lines).toContain('ok    codecs              μ-law and A-law phones at any rate, not g722, not opus');
    expect(lines.join('\n')).toContain('ok    endpoint            PJSIP/rapida-trunk, ');
    expect(lines).toContain(
      `ok    dialplan            RAPIDA_HOST = ${server.http}, AudioSocket 127.0.0.1:${server.audioSocket.port}`,
    );
    expect(lines).toContain(`warn  reaches HTTP        http://${server.http}, but not https`);
    expect(lines).toContain(`ok    reaches audio       AudioSocket at 127.0.0.1:${server.audioSocket.port}`);
    expect(lines.at(-1)).toContain('0 to repair');
  });

  test('it leaves nothing behind: no channel, no application', async () => {
    await examine(asterisk);

    await expect.poll(() => asterisk.ari.channels(), { timeout: 5_000 }).toEqual([]);
    // Asterisk forgets an application once it has read that its socket closed.
    await expect
      .poll(() => asterisk.ari.request('GET', 'applications'), { timeout: 5_000 })
      .toMatchObject({ body: [] });
  });

  test('the stored account is taken where no address is given', async () => {
    const { user, password } = asterisk.ariLogin;
    const values = { ari_url: asterisk.ariUrl, ari_user: user, ari_password: password, trunk: 'carrier' };
    await fetch(`${server.url}/v1/credentials`, {
      method: 'POST',
      headers: { 'x-api-key': server.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'asterisk', name: 'lab', values }),
    });

    const said = await server.command('doctor', 'asterisk').catch((error: Error) => error.message);

    expect(said).toContain('ok    reaches audio       AudioSocket at');
    expect(said).toContain('fail  endpoint            Asterisk knows no PJSIP/carrier');
    expect(said).not.toContain(password);
  });

  test('a wrong password', async () => {
    const { exitCode, lines } = await examine(asterisk, { password: 'wrong' });

    expect(exitCode).toBe(1);
    expect(lines[0]).toBe('fail  ARI                 Asterisk does not let peer in with this password');
    expect(lines[1]).toContain('ari.conf');
    // Nothing else is asked then.
    expect(lines).toHaveLength(4);
  });

  test('nothing listens at that address', async () => {
    const [port = 0] = await freeTcpPorts(1);
    const { lines } = await examine(asterisk, { url: `http://127.0.0.1:${port}` });

    expect(lines[0]).toContain('nothing listens there');
    expect(lines[1]).toContain('bindaddr');
  });

  test('https where Asterisk speaks http', async () => {
    const { lines } = await examine(asterisk, { url: asterisk.ariUrl.replace('http:', 'https:') });

    expect(lines[0]).toContain('it does not speak TLS');
    expect(lines[1]).toContain('ari_url: write http://');
  });

  test('an address that is our own server', async () => {
    const { lines } = await examine(asterisk, { url: server.url });

    expect(lines[0]).toContain('but no ARI');
    expect(lines[1]).toContain('ari_url');
  });

  test('ARI disabled', async () => {
    const disabled = (await configTemplate('ari.conf')).replace('enabled=yes', 'enabled=no');
    await using other = await start({ 'ari.conf': disabled });
    const { lines } = await examine(other);

    expect(lines[0]).toContain('but no ARI');
    expect(lines[1]).toContain('ari.conf: [general] enabled = yes');
  });

  test('a user who may only read: what needs more is not told', async () => {
    const readOnly = (await configTemplate('ari.conf')).replace('read_only=no', 'read_only=yes');
    await using other = await start({ 'ari.conf': readOnly });
    const { lines } = await examine(other);

    expect(lines.join('\n')).toMatch(/warn {2}reaches HTTP {8}it cannot be told.*\n.*read_only = no/);
  });

  test('modules that are not loaded are named as modules.conf wants them', async () => {
    await using other = await start();
    for (const name of ['func_curl', 'app_audiosocket', 'chan_websocket', 'codec_alaw', 'chan_audiosocket']) {
      await other.cli(`module unload ${name}.so`);
    }
    const { exitCode, lines } = await examine(other);
    const text = lines.join('\n');

    expect(exitCode).toBe(1);
    expect(text).toContain('fail  modules             phase 1, CURL(): func_curl.so is not loaded');
    expect(text).toContain('fail  modules             AudioSocket(): app_audiosocket.so is not loaded');
    expect(text).toContain('fail  modules             Dial(WebSocket/…): chan_websocket.so is not loaded');
    expect(text).toContain('-> in [modules] of modules.conf: load = chan_websocket.so');
    expect(text).toContain('warn  codecs              A-law phones and trunks: codec_alaw.so is not loaded');
    expect(text).toContain('warn  reaches HTTP        without func_curl it cannot be told');
    expect(text).toContain('warn  reaches audio       without chan_audiosocket it cannot be told');
  });

  test('one way of three is closed: a warning', async () => {
    await using other = await start();
    await other.cli('module unload chan_websocket.so');
    const { exitCode, lines } = await examine(other);

    expect(exitCode).toBe(0);
    expect(lines).toContain('ok    modules             audio may come by AudioSocket(), Dial(AudioSocket/…)');
    expect(lines).toContain('warn  modules             Dial(WebSocket/…): chan_websocket.so is not loaded');
  });

  test('a dialplan that is not filled in, and hosts that lead nowhere', async () => {
    const [nowhere = 0] = await freeTcpPorts(1);
    const globals = [
      'RAPIDA_API_KEY = rpd-xxx-your-api-key',
      `RAPIDA_HOST = 127.0.0.1:${nowhere}`,
      'RAPIDA_AS_HOST = 127.0.0.1:9007',
      'RAPIDA_PORT = 4573',
      'ASSISTANT_ID = {assistantId}',
    ];
    await using other = await start({ 'extensions.conf': ['[globals]', ...globals].join('\n') });
    const { exitCode, lines } = await examine(other);
    const text = lines.join('\n');

    expect(exitCode).toBe(1);
    expect(text).toContain('fail  dialplan            RAPIDA_API_KEY is no key of ours');
    expect(text).toContain('fail  dialplan            ASSISTANT_ID = {assistantId} is no number');
    expect(text).toContain('fail  dialplan            RAPIDA_AS_HOST = 127.0.0.1:9007 is more than a host');
    expect(text).toContain(`warn  dialplan            RAPIDA_PORT = 4573, and AUDIOSOCKET__PORT here is`);
    expect(text).toContain(`fail  reaches HTTP        Asterisk gets nothing from 127.0.0.1:${nowhere}`);
    expect(text).toContain('fail  reaches audio       Asterisk cannot connect to AudioSocket at');
  });

  test('the key of the dialplan and the password are never printed', async () => {
    const { lines } = await examine(asterisk);

    expect(lines.join('\n')).not.toContain(server.apiKey);
    expect(lines.join('\n')).not.toContain(asterisk.ariLogin.password);
  });
});

type Look = { readonly url?: string; readonly password?: string; readonly endpoint?: string };

/** The command as typed, its password from a pipe. */
async function examine(which: Asterisk, look: Look = {}) {
  const { user, password } = which.ariLogin;
  const env = {
    AUDIOSOCKET__HOST: '127.0.0.1',
    AUDIOSOCKET__PORT: String(server.audioSocket.port),
    DATA_DIR: server.dataDir,
  };
  const loaded = loadConfig(env, server.dataDir);
  if ('errors' in loaded) throw new Error(loaded.errors.join('\n'));
  const input = new PassThrough();
  input.end(`${look.password ?? password}\n`);
  const terminal = { input, output: new PassThrough() };
  const world = { ...loaded, cacheDir: server.dataDir, searchPath: '', terminal, log: quiet };
  const lines: string[] = [];
  const options = {
    'ari-url': look.url ?? which.ariUrl,
    'ari-user': user,
    ...(look.endpoint === undefined ? {} : { endpoint: look.endpoint }),
  };
  const exitCode = await runDoctor(world, { topic: 'asterisk', options }, (line) => lines.push(line));
  return { exitCode, lines };
}

function start(files: Readonly<Record<string, string>> = {}): Promise<Asterisk> {
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  return startAsterisk({ http, audioSocket, sip, assistantId, apiKey }, { files });
}

function nothing(): void {}
