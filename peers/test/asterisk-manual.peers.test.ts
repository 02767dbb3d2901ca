import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@assistant/server/config/load-config';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { configTemplate } from '../src/asterisk/config-files.ts';
import { consoleShell } from '../src/asterisk/console-shell.ts';
import { ManualPage } from '../src/asterisk/manual.ts';
import { CERTIFICATE_FILE, TlsFront } from '../src/asterisk/tls-front.ts';
import { repositoryFolder } from '../src/cache-folder.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import type { CallRecord } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

/**
 * The product's manual on Asterisk, block after block, with a real Asterisk 22: commands in a shell, configuration in the files
 * they name, word for word but for addresses, ports and keys. What cannot work stands in docs/channels/asterisk.md.
 */
const PAGES = [
  {
    name: 'manual-asterisk.md',
    audioSocket: 'AudioSocket: ',
    webSocket: 'WebSocket: ',
    env: 'Configure env vars',
    verify: 'Verify the module is loaded',
    outbound: 'Outbound via ARI',
    tests: ['AudioSocket: Reload and test', 'WebSocket: Reload and test'],
  },
  {
    name: 'manual-telephony-providers.md',
    audioSocket: 'Asterisk — AudioSocket: ',
    webSocket: 'Asterisk — WebSocket: ',
    env: 'Confirm required env vars',
    verify: 'Verify the Asterisk module is loaded',
    outbound: 'Outbound calls via ARI',
    tests: [
      'Asterisk — AudioSocket: Reload dialplan',
      'Asterisk — AudioSocket: Test connectivity',
      'Asterisk — WebSocket: Reload dialplan',
      'Asterisk — WebSocket: Test connectivity',
    ],
  },
] as const;

/** Tables, and what is about another installation: told in the documentation, nothing to run. */
const TOLD =
  /^(Transport Comparison|AudioSocket vs WebSocket — Quick Comparison|Production URLs|SIP: Open firewall ports)$/;

/** What our own callers need: ways into the manual's contexts, a callee, and a certificate that no authority signed. */
const OWN_CONTEXTS = `
[phones]
exten => _[12]XXX,1,Set(CURLOPT(ssl_verifypeer)=0)
 same => n,Goto(\${IF($[\${EXTEN} < 2000]?rapida-inbound:rapida-inbound-ws)},1555\${EXTEN},1)
exten => _3XXX,1,Goto(rapida-outbound,1555\${EXTEN},1)
exten => 1401,1,Set(CURLOPT(ssl_verifypeer)=0)
 same => n,Set(RAPIDA_API_KEY=rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD)
 same => n,Goto(rapida-inbound,15551401,1)
[callee]
exten => _X.,1,Answer()
 same => n,Wait(20)
`;

/** A carrier reached by SIP: this Asterisk itself, so that a trunk leads somewhere. */
const OWN_PJSIP = `
[carrier]
type=endpoint
context=callee
disallow=all
allow=ulaw
aors=carrier
from_user=carrier
[carrier]
type=aor
contact=sip:127.0.0.1:@SIP_PORT@
`;

let server: ServerUnderTest;
let front: TlsFront;

beforeAll(async () => {
  server = await startServer({ settings: testAssistant() });
  front = await TlsFront.start(server.http);
}, 180_000);

afterAll(async () => {
  await front?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe.each(PAGES)('$name', (names) => {
  let page: ManualPage;
  let asterisk: Asterisk;
  let shell: (commands: string) => Promise<string>;

  beforeAll(async () => {
    page = await ManualPage.read(names.name);
    asterisk = await start({
      'extensions.conf':
        page
          .texts('ini', /dialplan|Outbound|SIP trunk/)
          .filter(isDialplan)
          .join('\n') + OWN_CONTEXTS,
      'pjsip.conf': [await phonePjsip(), OWN_PJSIP, trunkOf(page)].join('\n'),
    });
    shell = await consoleShell(asterisk, CERTIFICATE_FILE);
  });

  afterAll(async () => {
    await asterisk?.[Symbol.asyncDispose]();
  });

  test(`${names.audioSocket}${names.env}`, async () => {
    const { config } = await configOf(page.text(names.audioSocket + names.env));

    expect(config.publicHost).toMatch(/^your-(public-)?hostname\.com$/);
    expect(config.audioSocket).toEqual({ host: '0.0.0.0', port: 4573, publicHost: config.publicHost });
  });

  test(`${names.webSocket}${names.env}`, async () => {
    const { config } = await configOf(page.text(names.webSocket + names.env));

    expect(config.publicHost).toMatch(/^your-(public-)?hostname\.com$/);
  });

  test.each([
    [names.audioSocket, 'res_audiosocket.so'],
    [names.webSocket, 'chan_websocket.so'],
  ])(`%s${names.verify}`, async (transport, module) => {
    expect(await shell(page.text(transport + names.verify, 'sh'))).toMatch(new RegExp(`^${module} .*Running`, 'm'));
  });

  test(`both: the lines of modules.conf load what they name, below the header that is there`, async () => {
    const blocks = [names.audioSocket, names.webSocket].map((each) => page.text(each + names.verify, 'ini'));
    const named = ['res_audiosocket.so', 'chan_websocket.so'];
    const without = (await configTemplate('modules.conf'))
      .split('\n')
      .filter((line) => !/audiosocket|websocket/.test(line));
    await using pasted = await start({ 'modules.conf': [...without, ...blocks].join('\n') });
    const lines = blocks.map((block) => block.replace('[modules]\n', ''));
    await using added = await start({ 'modules.conf': [...without, ...lines].join('\n') });

    // A second section of that name is not read.
    for (const module of named) expect(await pasted.cli(`module show like ${module}`)).toContain('0 modules loaded');
    expect(await added.cli('module show like res_audiosocket.so')).toContain('Running');
    // That one is the protocol; the application and the channel driver are modules of their own.
    expect(await added.cli('core show application AudioSocket')).toContain('not registered');
    expect(await added.cli('module show like chan_websocket.so')).toContain('0 modules loaded');
    for (const module of ['res_http_websocket', 'res_websocket_client', 'chan_websocket']) {
      expect(await added.cli(`module load ${module}.so`)).toContain('Loaded');
    }
  });

  test(`${names.audioSocket}Configure the dialplan`, async () => {
    const phone = await dial(asterisk, '1001');

    await phone.heardOut();
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(record.call).toMatchObject({ channel: 'asterisk', from: '15551234', endReason: 'caller_hung_up' });
    expect(record.turns[0]).toMatchObject({ text: SAID.menu, heardText: SAID.menu });
  });

  test(`${names.audioSocket}Configure the dialplan, its error branch`, async () => {
    const phone = await dial(asterisk, '1401');

    expect(await phone.heardHangUp()).toEqual({ by: 'far end', how: 'hung up' });
    expect(await asterisk.log()).toContain('Playback("PJSIP/phone-');
  });

  test(`${names.webSocket}Configure the dialplan: phase 1 works, WebSocket() is no application`, async () => {
    const calls = await callCount();
    const phone = await dial(asterisk, '2001');

    await phone.heardHangUp();

    expect(await callCount()).toBe(calls + 1);
    expect(await asterisk.log()).toContain("No application 'WebSocket' for extension (rapida-inbound-ws, 15552001, 4)");
  });

  test.each(names.tests)('%s', async (heading) => {
    const said = await shell(placed(page.text(heading)));

    if (heading.includes('eload')) expect(said).toContain('Dialplan reloaded.');
    if (/nc -zv/.test(page.text(heading))) expect(said).toMatch(/succeeded|open/);
    if (/curl -I/.test(page.text(heading))) expect(said).toMatch(/^HTTP\/1.1 200/m);
  });

  test(`${names.outbound} (AudioSocket), with the keys of its table`, async () => {
    const keys = credentialKeys(page.text(`${names.outbound} (AudioSocket)`, 'table'));
    expect(keys).toEqual(['ari_url', 'ari_user', 'ari_password', 'endpoint_technology', 'trunk']);
    const values = { ...ariLogin(asterisk), endpoint_technology: 'PJSIP', trunk: 'carrier' };

    const contextId = await placeCall(values, 'audiosocket');
    await expect.poll(async () => (await callOf(contextId)).turns[0]?.heardText, { timeout: 15_000 }).toBe(SAID.menu);
    await post(`/v1/calls/${contextId}/end`, {});

    expect((await server.endedCall(contextId)).call).toMatchObject({ direction: 'outbound', status: 'ended' });
  });

  test(`${names.outbound} (AudioSocket): PJSIP/trunk/number is none of Asterisk's endpoints`, async () => {
    const asked = asterisk.ari.originate({ endpoint: 'PJSIP/carrier/15551234', context: 'callee', extension: '1' });

    await expect(asked).rejects.toThrow('ARI 500: {"error":"Allocation failed"}');
  });

  test(`${names.outbound} (WebSocket): WebSocket() is no application here either`, async () => {
    page.text(`${names.outbound} (WebSocket)`);
    const contextId = await placeCall({ ...ariLogin(asterisk), trunk: 'carrier' }, 'websocket');

    await expect
      .poll(() => asterisk.log(), { timeout: 10_000 })
      .toContain("No application 'WebSocket' for extension (rapida-outbound-ws, s, 2)");
    await post(`/v1/calls/${contextId}/end`, {});
  });

  test('every block of the page is run or told', async () => {
    if (names.name === 'manual-telephony-providers.md') await sipBlocks(page, asterisk);
    const told = page.blocks.filter(({ heading }) => TOLD.test(heading)).map(({ heading }) => heading);
    for (const heading of told) page.texts('table', new RegExp(`^${heading}$`));

    expect(page.unasked).toEqual([]);
    const documentation = await readFile(join(repositoryFolder(), 'docs/channels/asterisk.md'), 'utf8');
    for (const heading of told) expect(documentation).toContain(heading);
  });
});

/** The SIP section: its settings, its dial string, and the trunk from Asterisk. */
async function sipBlocks(page: ManualPage, asterisk: Asterisk): Promise<void> {
  const { config } = await configOf(page.text('SIP: Configure env vars'));
  expect(config.sip).toMatchObject({ host: '0.0.0.0', port: 5090, externalIp: '203.0.113.10' });
  expect(page.text('SIP: Dial from any SIP client', 'text')).toBe(
    'sip:{assistantID}:{apiKey}@{SIP__EXTERNAL_IP}:{SIP__PORT}',
  );
  page.text('SIP: Dial from any SIP client', 'table');
  const phone = await dial(asterisk, '3001');
  await phone.heardOut();
  phone.hangUp();
  const record = await recordOfLastCall();
  expect(record.call).toMatchObject({ channel: 'sip', endReason: 'caller_hung_up' });
  expect(record.turns[0]?.heardText).toBe(SAID.menu);
}

function start(files: Readonly<Record<string, string>>): Promise<Asterisk> {
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  return startAsterisk(
    { http, audioSocket, sip, assistantId, apiKey },
    { files: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, placed(text)])) },
  );
}

/** The manual's words with this machine's addresses, ports and keys. RAPIDA_AS_HOST never holds a port. */
function placed(text: string): string {
  const { host, port } = server.audioSocket;
  return text
    .replaceAll(/(RAPIDA_AS_HOST *= )\{PUBLIC_ASSISTANT_HOST\}/g, `$1${host}`)
    .replaceAll(/nc -zv \{\w+\} 4573/g, `nc -zv ${host} ${port}`)
    .replaceAll(/(?<!\$)\{(PUBLIC_ASSISTANT_HOST|RAPIDA_HOST)\}/g, front.host)
    .replaceAll('= 4573', `= ${port}`)
    .replaceAll('rpd-xxx-your-api-key', server.apiKey)
    .replaceAll('{assistantID}', server.assistantId)
    .replaceAll('{apiKey}', server.apiKey)
    .replaceAll('{SIP__EXTERNAL_IP}:{SIP__PORT}', server.sip)
    .replaceAll('{SIP__EXTERNAL_IP}', host);
}

function isDialplan(block: string): boolean {
  return /^exten =>/m.test(block);
}

function trunkOf(page: ManualPage): string {
  return page
    .texts('ini', /SIP trunk/)
    .filter((block) => block.includes('pjsip.conf'))
    .join('\n');
}

/** Our own file without its trunk. */
async function phonePjsip(): Promise<string> {
  return (await configTemplate('pjsip.conf')).replace(/^; The trunk[\s\S]*?(?=^; A phone)/m, '');
}

/** The block as the file that its first line names, read as the server reads it. */
async function configOf(block: string) {
  const root = await mkdtemp(join(tmpdir(), 'settings-'));
  try {
    await mkdir(join(root, 'docker/assistant-api'), { recursive: true });
    await writeFile(join(root, 'docker/assistant-api/.assistant.env'), `${block}\n`);
    const loaded = loadConfig({}, root);
    if ('errors' in loaded) throw new Error(loaded.errors.join('\n'));
    return loaded;
  } finally {
    await rm(root, { recursive: true });
  }
}

/** First words of the table's rows, as the page prints them without columns: `ari_urlYesARI base URL`. */
function credentialKeys(table: string): string[] {
  return table
    .split('\n')
    .slice(1)
    .map((row) => /^[a-z_]+/.exec(row)?.[0] ?? row);
}

function ariLogin({ ariUrl, ariLogin: { user, password } }: Asterisk): Record<string, string> {
  return { ari_url: ariUrl, ari_user: user, ari_password: password };
}

async function placeCall(values: Readonly<Record<string, string>>, transport: string): Promise<string> {
  const name = `${transport} ${crypto.randomUUID()}`;
  const { assistantId } = server;
  const { id: credentialId } = await post('/v1/credentials', { provider: 'asterisk', name, values });
  const wish = { assistantId, channel: 'asterisk', name, credentialId, settings: { transport } };
  const { id: deploymentId } = await post('/v1/deployments', wish);
  const call = { assistant: { assistantId }, toNumber: '15551234', options: { deploymentId } };
  return ((await post('/v1/talk/create-phone-call', call))['data'] as { contextId: string }).contextId;
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'x-api-key': server.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

function dial(asterisk: Asterisk, number: string): Promise<Phone> {
  return Phone.open(new SipLeg(asterisk.phoneTo(number)));
}

async function callOf(contextId: string): Promise<CallRecord> {
  return (await server.get(`/v1/calls/${contextId}`)) as CallRecord;
}

async function recordOfLastCall(): Promise<CallRecord> {
  return server.endedCall(await server.lastContextId());
}

async function callCount(): Promise<number> {
  return ((await server.get('/v1/calls?limit=200')) as { calls: unknown[] }).calls.length;
}
