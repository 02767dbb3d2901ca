import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { configTemplate } from '../src/asterisk/config-files.ts';
import { callLocally } from '../src/asterisk/local-caller.ts';
import { CERTIFICATE_FILE, TlsFront } from '../src/asterisk/tls-front.ts';
import { repositoryFolder } from '../src/cache-folder.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import type { CallRecord } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

/** The files of deploy/asterisk as they are, but for addresses, ports and keys, and the dialplan that `npm start` prints. */
const FOLDER = join(repositoryFolder(), 'deploy/asterisk');
const MODULES = [
  'app_audiosocket',
  'chan_audiosocket',
  'res_audiosocket',
  'chan_websocket',
  'func_curl',
  'res_ari_channels',
];
/** Asterisk loads all it has here: other modules' words about files they miss are not ours. */
const ABOUT_OURS = /WARNING|ERROR/;

/** Phones, ways into each context, and a certificate that no authority signed. */
const OWN_CONTEXTS = `
[phones]
exten => _[1-4]XXX,1,Set(CURLOPT(ssl_verifypeer)=0)
 same => n,GotoIf($[\${EXTEN} < 2000]?rapida-inbound,1555\${EXTEN},1)
 same => n,GotoIf($[\${EXTEN} < 3000]?rapida-inbound-ws,1555\${EXTEN},1)
 same => n,GotoIf($[\${EXTEN} < 4000]?rapida-outbound,1555\${EXTEN},1)
 same => n,Goto(rapida-inbound-audiosocket-dial,1555\${EXTEN},1)
exten => 5001,1,Goto(printed,15555001,1)
[lines]
exten => 4100,1,Set(CURLOPT(ssl_verifypeer)=0)
 same => n,Goto(rapida-inbound-audiosocket-dial,15554100,1)
[callee]
exten => _X.,1,Answer()
 same => n,Wait(20)
`;

let server: ServerUnderTest;
let front: TlsFront;
let asterisk: Asterisk;

beforeAll(async () => {
  server = await startServer({
    settings: testAssistant(),
    // Not the HTTP server's: what is printed must be this one.
    env: { AUDIOSOCKET__PUBLIC_HOST: 'localhost' },
  });
  front = await TlsFront.start(server.http);
  const samples = await readSamples();
  const phones = (await configTemplate('pjsip.conf')).replace(/^; The trunk[\s\S]*?(?=^; A phone)/m, '');
  const callers = (await configTemplate('extensions.conf'))
    .replace(/^[\s\S]*?(?=^\[caller\])/m, '')
    .replace(/^; A callee[\s\S]*/m, '');
  const printed = printedDialplan(server.output).replace('[rapida-inbound]', '[printed]');
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  asterisk = await startAsterisk(
    { http, audioSocket, sip, assistantId, apiKey },
    {
      ariLogin: { user: 'rapida', password: 'a-long-random-password' },
      files: {
        ...samples,
        'extensions.conf': [samples['extensions.conf'], OWN_CONTEXTS, callers, printed].join('\n'),
        // The sample's transport is the phones', too.
        'pjsip.conf': [phones.replace(/^\[transport-udp\][\s\S]*?\n\n/m, ''), samples['pjsip.conf']].join('\n'),
      },
    },
  );
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('deploy/asterisk in a real Asterisk 22', () => {
  test('modules.conf: what calls need is running', async () => {
    for (const name of MODULES) expect(await asterisk.cli(`module show like ${name}.so`)).toContain('Running');
  });

  test('nothing is said against a line of the files', async () => {
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.conf'));
    const lines = (await asterisk.log(2_000)).split('\n').filter((line) => ABOUT_OURS.test(line));

    expect(names).toContain('extensions.conf');
    expect(lines.filter((line) => names.some((name) => line.includes(`/${name}`)))).toEqual([]);
    expect(lines.filter((line) => /rapida|websocket|audiosocket|curl|res_ari/.test(line))).toEqual([]);
  });

  test('http.conf and ari.conf: the user may ask', async () => {
    expect(await asterisk.ari.request('GET', 'asterisk/info?only=system')).toMatchObject({ status: 200 });
  });

  test.each([
    ['rapida-inbound', '1001', 'asterisk'],
    ['rapida-inbound-audiosocket-dial', '4001', 'asterisk'],
    ['rapida-inbound-ws, over TLS by websocket_client.conf', '2001', 'asterisk'],
    ['rapida-outbound, the trunk of pjsip.conf', '3001', 'sip'],
    ['the dialplan that npm start prints', '5001', 'asterisk'],
  ])('%s: the caller is greeted', async (_name, number, channel) => {
    const phone = await Phone.open(new SipLeg(asterisk.phoneTo(number)));

    await phone.heardOut();
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(record.call).toMatchObject({ channel, endReason: 'caller_hung_up' });
    expect(record.turns[0]).toMatchObject({ text: SAID.menu, heardText: SAID.menu });
  });

  test('a caller whose number has a plus and whose call has an id is named so', async () => {
    await callLocally(asterisk, { number: '4100', steps: ['Playback(silence/3)'], callerId: '"Bob" <+15559876>' });

    expect((await recordOfLastCall()).call.from).toBe('+15559876');
  });

  test.each([
    ['rapida-outbound', 'audiosocket'],
    ['rapida-outbound-ws', 'websocket'],
  ])('%s: a call of ours is greeted', async (_name, transport) => {
    const contextId = await placeCall(transport);

    await expect
      .poll(async () => ((await server.get(`/v1/calls/${contextId}`)) as CallRecord).turns[0]?.heardText, {
        timeout: 15_000,
      })
      .toBe(SAID.menu);
    await post(`/v1/calls/${contextId}/end`, {});

    expect((await server.endedCall(contextId)).call).toMatchObject({ direction: 'outbound', status: 'ended' });
  });
});

describe('what is printed', () => {
  test('npm start names AUDIOSOCKET__PUBLIC_HOST and the port in the dialplan', () => {
    const printed = printedDialplan(server.output);

    expect(printed).toContain(`AudioSocket(\${CTX},localhost:${server.audioSocket.port})`);
    expect(printed).toContain(`/v1/talk/asterisk/call/${server.assistantId}?from=`);
  });

  test('every line of a context in the documentation stands in extensions.conf, and none names a host or port itself', async () => {
    const page = await readFile(join(repositoryFolder(), 'docs/channels/asterisk.md'), 'utf8');
    const sample = await readFile(join(FOLDER, 'extensions.conf'), 'utf8');
    const blocks = Array.from(page.matchAll(/^```ini\n([\s\S]*?)^```$/gm), ([, text = '']) => text);
    const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => /^(exten| same) =>/.test(line));

    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !sample.includes(line))).toEqual([]);
    const audio = [...lines, ...sample.split('\n')].filter(
      (line) => /[,(]AudioSocket[(/]/.test(line) && !line.startsWith(';'),
    );
    expect(audio.length).toBeGreaterThan(4);
    for (const line of audio) expect(line).toContain('${RAPIDA_AS_HOST}:${RAPIDA_PORT}');
  });
});

/** The sample files with this machine's addresses, ports and keys. */
async function readSamples(): Promise<Record<string, string>> {
  const { host, port } = server.audioSocket;
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.conf'));
  const texts = names.map(async (name) => {
    const text = await readFile(join(FOLDER, name), 'utf8');
    return [
      name,
      text
        .replaceAll(/(RAPIDA_AS_HOST *= )your-hostname\.com/g, `$1${host}`)
        // Asterisk compares names of certificates with host names, not with addresses.
        .replaceAll('wss://your-hostname.com', `wss://${front.host.replace(host, 'localhost')}`)
        .replaceAll('your-hostname.com', front.host)
        .replaceAll('/etc/ssl/certs/ca-certificates.crt', CERTIFICATE_FILE)
        .replaceAll('= 4573', `= ${port}`)
        .replaceAll('rpd-xxx-your-api-key', server.apiKey)
        .replaceAll('203.0.113.10:5090', server.sip)
        .replaceAll('203.0.113.10', host)
        .replaceAll('bind=0.0.0.0', 'bind=@BIND@:@SIP_PORT@')
        .replaceAll('bindport = 8088', 'bindport = @HTTP_PORT@'),
    ];
  });
  return Object.fromEntries(await Promise.all(texts));
}

/** The lines that `npm start` indents under its heading. */
function printedDialplan(output: string): string {
  const [, text = ''] = /extensions\.conf:\n((?: {2}.*\n)+)/.exec(output) ?? [];
  return text.replaceAll(/^ {2}/gm, '').replaceAll('<your API key>', server.apiKey);
}

async function placeCall(transport: string): Promise<string> {
  const { user, password } = asterisk.ariLogin;
  const login = { ari_url: asterisk.ariUrl, ari_user: user, ari_password: password };
  const values = { ...login, endpoint_template: 'Local/{number}@callee' };
  const { assistantId } = server;
  const { id: credentialId } = await post('/v1/credentials', { provider: 'asterisk', name: transport, values });
  const wish = { assistantId, channel: 'asterisk', name: transport, credentialId, settings: { transport } };
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

async function recordOfLastCall(): Promise<CallRecord> {
  return server.endedCall(await server.lastContextId());
}
