import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesOf } from './process-table.ts';
import { ServerHome } from './server-process.ts';

const LIMIT_MS = 60_000;

test('all mistakes are told at once, each with what to set; no secret is repeated, nothing is started', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome({
    env: {
      PORT: '70000',
      AUDIOSOCKET__PORT: 'many',
      SIP__EXTERNAL_IP: '300.1.1.1',
      SIP__LOCAL_NETS: '10.0.0.0/99',
      TLS__CERT: '/etc/assistant/cert.pem',
      DATABASE_URL: 'mysql://app:Tr0ub4dor@db.example.com/calls',
      VAULT__KEYS: '1:c2hvcnQtc2VjcmV0',
      DEMO__API_KEY: 'rpd-not-a-key-at-all',
      LOG_LEVEL: 'loud',
      SHUTDOWN__GRACE: 'soon',
    },
  });

  const { exitCode, stdout, stderr } = await home.command();

  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^The configuration has 10 mistakes:$/m);
  for (const name of [
    'PORT=70000',
    'AUDIOSOCKET__PORT=many',
    'SIP__EXTERNAL_IP=300.1.1.1',
    'SIP__LOCAL_NETS=10.0.0.0/99',
    'LOG_LEVEL=loud',
    'SHUTDOWN__GRACE=soon',
    'DATABASE_URL',
    'VAULT__KEYS',
    'DEMO__API_KEY',
  ]) {
    expect(stderr).toMatch(new RegExp(`^  - ${name} .*; set for example ${name.replace(/=.*/, '')}=`, 'm'));
  }
  expect(stderr).toMatch(/^ {2}- TLS__CERT is set and TLS__KEY is not: set both, or neither$/m);
  expect(stderr).not.toMatch(/Tr0ub4dor|c2hvcnQtc2VjcmV0|not-a-key-at-all/);
  expect(existsSync(home.dataDir)).toBe(false);
});

test('a name that begins like one of ours and is none is warned of with the nearest one, and the server starts', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome({ env: { SIP__EXTERNALIP: '203.0.113.10', SIP_PORT: '5060' } });

  const server = await home.start();

  expect(server.output).toMatch(/^ {2}note: SIP__EXTERNALIP is not a setting .* did you mean SIP__EXTERNAL_IP\?$/m);
  expect(server.events('config.warning').map(({ warning }) => warning)).toEqual([
    'SIP__EXTERNALIP is not a setting and is ignored; did you mean SIP__EXTERNAL_IP?',
    'SIP_PORT is not a setting and is ignored; did you mean SIP__PORT?',
  ]);
});

test.for(['PORT', 'AUDIOSOCKET__PORT', 'SIP__PORT'])(
  'a taken %s is named with what to set; nothing is left running',
  {
    timeout: LIMIT_MS,
  },
  async (name) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = String((taken.address() as AddressInfo).port);
    await using home = new ServerHome({ env: { [name]: port } });

    const server = home.spawn({});
    const { exitCode, stderr } = await server.end();
    await closed(taken);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`port ${port}`);
    expect(stderr).toMatch(new RegExp(`: .*set .*\\b${name}\\b`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(home.postmaster).toBeNull();
    expect(processesOf(server.pid)).toEqual([]);
    expect(existsSync(join(home.dataDir, 'server.lock'))).toBe(false);
  },
);

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
