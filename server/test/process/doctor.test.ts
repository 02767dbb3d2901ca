import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ServerHome } from './server-process.ts';

const LIMIT_MS = 120_000;

test('doctor looks at a server that runs without disturbing it, says what is wrong with the public name, and ends with 1', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const before = await home.command('doctor');
  const server = await home.start();
  const port = new URL(server.url).port;
  const env = { PORT: port, PUBLIC_ASSISTANT_HOST: `localhost:${port}` };

  const beside = await home.spawn({ words: ['doctor'], env }).ended;

  expect(before).toMatchObject({ exitCode: 0, stderr: '' });
  expect(before.stdout).toMatch(/^warn {2}database +there is none yet$/m);
  expect(beside).toMatchObject({ exitCode: 1, stderr: '' });
  expect(beside.stdout).toMatch(/^(ok {2}|warn) {2}database +answers in \d+\.\d ms, its schema is current$/m);
  expect(beside.stdout).toMatch(/^ok {4}vault +.*keyring\.json opens what is stored/m);
  expect(beside.stdout).toMatch(new RegExp(`^ok {4}ports +HTTP, 127\\.0\\.0\\.1:${port} tcp: held by the server`, 'm'));
  expect(beside.stdout).toMatch(new RegExp(`^fail {2}public host +localhost:${port} answers, but not in TLS$`, 'm'));
  expect(beside.stdout).toMatch(/^\d+ ok, \d+ to look at, 1 to repair$/m);
  expect(beside.stdout).not.toContain(home.apiKey);
  expect((await fetch(`${server.url}/readiness`)).status).toBe(200);
});

test('what lets calls in without a proof is told at the start, with what closes it', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const first = await home.start();
  first.signal('SIGTERM');
  await first.end();
  const secret = join(home.folder, 'secret');
  writeFileSync(secret, 'exotel-secret-0001\n');
  const files = ['--file', `api_key=${secret}`, '--file', `api_secret=${secret}`];
  const set = ['--set', 'account_sid=exo1', '--set', 'subdomain=api.in.exotel.com', '--set', 'app_id=7'];
  const added = await home.command('credential', 'add', 'exotel', ...files, ...set);

  const second = await home.start();

  expect(first.output).not.toContain('To close it');
  expect(added).toMatchObject({ exitCode: 0, stderr: '' });
  expect(second.output).toMatch(
    /^ {2}note: exotel credential "Exotel": webhooks prove nothing: .* To close it, list Exotel’s addresses in allowed_addresses/m,
  );
  expect(second.output).not.toContain('exotel-secret-0001');
});
