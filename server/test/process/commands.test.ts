import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callDemo, closedCall, pressAndHear, readCall } from './demo-call.ts';
import { ServerHome } from './server-process.ts';

const LIMIT_MS = 120_000;

test('what is exported is the same where it is imported, and is served there once the keyring came along', {
  timeout: LIMIT_MS,
}, async () => {
  await using old = new ServerHome();
  const before = await old.start();
  const { contextId, phone } = await callDemo(old, before);
  await pressAndHear(phone, '1');
  phone.hangUp();
  const record = await closedCall(old, before, contextId);
  before.signal('SIGTERM');
  await before.end();
  const file = join(old.folder, 'all.jsonl');

  const exported = await old.command('data', 'export', file);
  await using moved = new ServerHome();
  const imported = await moved.command('data', 'import', file);
  const again = await moved.command('data', 'import', file);

  expect(exported).toMatchObject({ exitCode: 0, stderr: '' });
  expect(exported.stdout).toContain('wrote 1 rows of calls\n');
  expect(imported).toMatchObject({ exitCode: 0, stderr: '' });
  expect(countsOf(imported.stdout, 'read')).toEqual(countsOf(exported.stdout, 'wrote'));
  expect(again).toMatchObject({ exitCode: 1 });
  expect(again.stderr).toContain('the database is not empty');
  expect(readFileSync(file, 'utf8')).not.toContain(old.apiKey);
  const locked = await moved.spawn({}).end();
  expect(locked).toMatchObject({ exitCode: 1 });
  expect(locked.stderr).toContain('Put it back into VAULT__KEYS or the keyring file');
  copyFileSync(join(old.dataDir, 'keyring.json'), join(moved.dataDir, 'keyring.json'));
  const after = await moved.start();
  expect(await readCall(old, after, contextId)).toEqual(record);
  const { phone: next } = await callDemo(old, after);
  next.hangUp();
});

function countsOf(text: string, verb: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${verb} `))
    .map((line) => line.slice(verb.length));
}

test('key create makes a key that opens calls; without a project it says what to do first', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const early = await home.command('key', 'create');
  expect(early).toMatchObject({ exitCode: 1 });
  expect(early.stderr).toContain('run npm start once');
  const first = await home.start();
  const busy = await home.command('key', 'create');
  expect(busy).toMatchObject({ exitCode: 1 });
  expect(busy.stderr).toContain(`process ${first.pid} already uses the data directory`);
  first.signal('SIGTERM');
  await first.end();

  const made = await home.command('key', 'create', '--name', 'second phone');

  const [key = ''] = /^rpd-[0-9A-Za-z]{36}(?= )/m.exec(made.stdout) ?? [];
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  expect(key).not.toBe('');
  const server = await home.start();
  const headers = { 'x-api-key': key };
  const url = `${server.url}/v1/talk/asterisk/call/${home.assistantId}?from=100`;
  expect((await fetch(url, { headers })).status).toBe(200);
  expect((await fetch(url, { headers: { 'x-api-key': `${key.slice(0, -1)}!` } })).status).toBe(401);
});

test('config prints what is in force and no secret', { timeout: LIMIT_MS }, async () => {
  await using home = new ServerHome({
    env: {
      POSTGRES__HOST: 'db.example.com',
      POSTGRES__DB_NAME: 'calls',
      POSTGRES__AUTH__USER: 'app',
      POSTGRES__AUTH__PASSWORD: 'Tr0ub4dor&3',
      OPENAI_API_KEY: 'sk-proj-0123456789abcdef0123',
      VAULT__KEYS: `1:${Buffer.alloc(32, 7).toString('base64')}`,
      SIP__PORT: '5061',
    },
  });

  const { exitCode, stdout, stderr } = await home.command('config');

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^sip\.port = 5061$/m);
  expect(stdout).toMatch(/^secrets\.openAiApiKey = \*\*\*$/m);
  const secrets = ['Tr0ub4dor', 'sk-proj', home.apiKey, Buffer.alloc(32, 7).toString('base64')];
  expect(secrets.filter((secret) => stdout.includes(secret))).toEqual([]);
});

test('help tells the commands; one that is none is refused with the same list; neither starts a thing', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();

  const help = await home.command('help');
  const unknown = await home.command('serve', 'please');

  expect(help).toMatchObject({ exitCode: 0, stderr: '' });
  for (const command of ['config', 'data export FILE', 'data import FILE', 'key create', 'help']) {
    expect(help.stdout).toContain(`npm start -- ${command}`);
  }
  expect(unknown).toMatchObject({ exitCode: 1, stdout: '' });
  expect(unknown.stderr).toContain('there is no command "serve please"');
  expect(unknown.stderr).toContain(help.stdout.trim());
  expect(home.postmaster).toBeNull();
});
