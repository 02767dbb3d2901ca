import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CARRIER_CREDENTIAL_SCHEMAS } from '../../src/channels/credential-schemas.ts';
import { exotelCredentialCheck } from '../../src/channels/exotel/check-credential.ts';
import { FakeTrunk } from '../../src/channels/sip/fakes/fake-trunk.ts';
import { twilioCredentialCheck } from '../../src/channels/twilio/check-credential.ts';
import { accountsCheck, gapsCheck } from '../../src/cli/doctor/carriers.ts';
import type { Check, Finding } from '../../src/cli/doctor/check.ts';
import { databaseCheck, dataDirCheck, keyringCheck } from '../../src/cli/doctor/data.ts';
import { Installation } from '../../src/cli/doctor/installation.ts';
import { registrationsCheck } from '../../src/cli/doctor/sip-trunks.ts';
import type { Config } from '../../src/config/config.ts';
import type { Secrets } from '../../src/config/secrets.ts';
import type { CredentialId, DeploymentId } from '../../src/core/ids.ts';
import { createCredential } from '../../src/management/credentials.ts';
import { createDeployment } from '../../src/management/deployments.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { systemRandom } from '../../src/runtime/system-random.ts';
import { credentialVault } from '../../src/vault/credential-vault.ts';
import { openSecretBox } from '../../src/vault/open-secret-box.ts';
import { fakeCarrier } from '../api/fake-carriers.ts';
import { EXOTEL_VALUES, TWILIO_VALUES, VONAGE_VALUES } from '../api/signed-requests.ts';
import { quietLog } from '../fakes/quiet-log.ts';
import { freshStorage } from '../postgres/fresh-database.ts';
import { sampleAssistant } from '../postgres/sample-calls.ts';

let storage: Awaited<ReturnType<typeof freshStorage>>;
let carrier: Awaited<ReturnType<typeof fakeCarrier>>;
let dataDir: string;
beforeAll(async () => {
  storage = await freshStorage();
  carrier = await fakeCarrier(({ path }) =>
    path.includes('/2010-04-01/')
      ? { status: 200, body: { friendly_name: 'Acme', type: 'Full', status: 'active' } }
      : { status: 401, body: {} },
  );
  dataDir = mkdtempSync(join(tmpdir(), 'doctor-'));
});
afterAll(async () => {
  await carrier[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true });
});

const secretsOf = (databaseUrl: string | null): Secrets => ({
  databaseUrl,
  vaultKeys: [],
  demoApiKey: null,
  openAiApiKey: null,
});

/** One check of an installation whose data is here, looked at as the command does. */
async function look(
  make: (installation: Installation) => Check,
  { url = storage.url, folder = dataDir }: { readonly url?: string | null; readonly folder?: string } = {},
): Promise<readonly Finding[]> {
  await using stack = new AsyncDisposableStack();
  const config = { dataDir: folder } as Config;
  const check = make(new Installation({ config, secrets: secretsOf(url) }, stack));
  return [await check.run(AbortSignal.timeout(10_000))].flat();
}

async function managed() {
  const { secretBox } = await openSecretBox({ vaultKeys: [], dataDir, store: storage.sealedSecrets });
  const parts = {
    ...storage,
    credentialVault: credentialVault(secretBox),
    credentialSchemas: CARRIER_CREDENTIAL_SCHEMAS,
    settingsSchemas: {},
    bus: { publish: async () => undefined },
    log: quietLog,
  };
  const { projectId, assistantId } = await sampleAssistant(storage.assistants);
  return { parts, actor: { projectId, apiKeyId: null }, assistantId };
}

async function accounts() {
  const { parts, actor, assistantId } = await managed();
  for (const [provider, values] of Object.entries({
    twilio: TWILIO_VALUES,
    exotel: EXOTEL_VALUES,
    vonage: VONAGE_VALUES,
  })) {
    const id = systemRandom.uuid() as CredentialId;
    await createCredential(parts, actor, { id, provider, name: 'main', values });
  }
  const id = systemRandom.uuid() as DeploymentId;
  await createDeployment(parts, actor, {
    id,
    assistantId,
    channel: 'twilio',
    name: 'desk',
    settings: { verify: 'off' },
  });
}

test('each account is asked at its carrier, refusals name the keys, and no secret is said', async () => {
  await accounts();
  const checks = {
    twilio: twilioCredentialCheck(carrier.url),
    exotel: exotelCredentialCheck(carrier.url),
  };

  const found = await look((installation) => accountsCheck(installation, checks));

  expect(found.map(({ status, text }) => `${status} ${text}`).sort()).toEqual([
    'fail exotel "main": Exotel: it refused api_key, api_secret or account_sid, or the account lives on another subdomain (401)',
    'ok twilio "main": account "Acme", Full',
    'ok vonage "main": vonage has nothing that could be asked',
  ]);
  const said = JSON.stringify(found);
  for (const secret of [TWILIO_VALUES.account_token, EXOTEL_VALUES.api_secret, VONAGE_VALUES.api_secret]) {
    expect(said).not.toContain(secret);
  }
});

test('what lets calls in without a proof is told, each with how to close it', async () => {
  const found = await look((installation) => gapsCheck(installation));

  expect(found.map(({ status, text }) => `${status} ${text.split(':')[0]}`)).toEqual([
    'warn twilio deployment "desk"',
    'warn exotel credential "main"',
    'warn vonage credential "main"',
  ]);
  expect(found.every(({ advice }) => advice !== undefined)).toBe(true);
});

test('the keyring that fits is fine; one that is gone, is another, or may be read by others is a fail', async () => {
  const gone = mkdtempSync(join(tmpdir(), 'doctor-'));
  const other = mkdtempSync(join(tmpdir(), 'doctor-'));
  const open = mkdtempSync(join(tmpdir(), 'doctor-'));
  await openSecretBox({ vaultKeys: [], dataDir: other, store: { usedKeyIds: async () => [] } });
  copyFileSync(join(dataDir, 'keyring.json'), join(open, 'keyring.json'));
  chmodSync(join(open, 'keyring.json'), 0o644);
  const make = (installation: Installation) => keyringCheck({ vaultKeys: [] }, installation);

  const [right] = await look(make);
  const [missing] = await look(make, { folder: gone });

  expect(right).toEqual({
    status: 'ok',
    text: `${join(dataDir, 'keyring.json')} opens what is stored; back it up apart from the database`,
  });
  expect(missing?.text).toMatch(/keyring\.json is gone, and stored secrets need the vault key local-[0-9a-f]{8}$/);
  await expect(look(make, { folder: other })).rejects.toThrow(/stored secrets need the vault key local-/);
  await expect(look(make, { folder: open })).rejects.toThrow(/may be read by others \(mode 644\)/);
  for (const folder of [gone, other, open]) rmSync(folder, { recursive: true });
});

test('a database that answers is fine, none yet is told, one that is away throws with words', async () => {
  const [there] = await look(databaseCheck);
  const [none] = await look(databaseCheck, { url: null });

  expect(there?.text).toMatch(/^answers in \d+\.\d ms, its schema is current$/);
  expect(none).toEqual({ status: 'warn', text: 'there is none yet', advice: 'npm start makes it' });
  await expect(look(databaseCheck, { url: 'postgres://app:sec-ret@127.0.0.1:1/none' })).rejects.toThrow();
});

test('a data directory that is a file is a fail, one to be made a warning', async () => {
  const file = join(dataDir, 'a-file');
  writeFileSync(file, '');

  expect(dataDirCheck({ dataDir: file }).run(AbortSignal.timeout(1))).toMatchObject({ status: 'fail' });
  expect(dataDirCheck({ dataDir: join(dataDir, 'none') }).run(AbortSignal.timeout(1))).toMatchObject({
    status: 'warn',
  });
  expect(dataDirCheck({ dataDir }).run(AbortSignal.timeout(1))).toEqual({ status: 'ok', text: dataDir });
});

test('each account that is to be registered is asked for at its trunk: whether it is taken, and whether it is there', async () => {
  await using trunk = await FakeTrunk.open();
  trunk.login = 'line7:secret';
  const { parts, actor } = await managed();
  for (const [name, values] of Object.entries({
    right: { username: 'line7', password: 'secret', register: 'true' },
    wrong: { username: 'line7', password: 'other', register: 'true' },
    outgoing: { username: 'line7', password: 'other' },
  })) {
    const id = systemRandom.uuid() as CredentialId;
    const where = { host: '127.0.0.1', port: trunk.port, transport: 'udp' };
    await createCredential(parts, actor, { id, provider: 'sip', name, values: { ...where, ...values } });
  }
  const make = (installation: Installation) =>
    registrationsCheck(installation, { clock: systemClock, random: systemRandom });

  const before = await look(make);
  trunk.contact = 'sip:line-0123456789abcdef01234567@192.0.2.1';
  const after = await look(make);

  const said = (found: readonly Finding[]) => found.map(({ status, text }) => `${status} ${text}`).sort();
  expect(said(before)).toEqual([
    expect.stringMatching(/^fail "wrong": .*it does not take username and password$/),
    'warn "right": it takes the account, which is not registered now',
  ]);
  expect(said(after)[1]).toBe('ok "right": registered: calls to it come to us');
});
