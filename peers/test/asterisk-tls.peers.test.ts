import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { configTemplate } from '../src/asterisk/config-files.ts';
import { OutboundLine } from '../src/asterisk/outbound-line.ts';
import { CERTIFICATE_FILE } from '../src/asterisk/tls-front.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

const QUIET_MS = 1_200;

let server: ServerUnderTest;
let asterisk: Asterisk;
let line: OutboundLine;

beforeAll(async () => {
  setDefaultCACertificates([...getCACertificates('default'), await readFile(CERTIFICATE_FILE, 'utf8')]);
  const env = { TLS__CERT: CERTIFICATE_FILE, TLS__KEY: CERTIFICATE_FILE.replace('.cert.', '.key.') };
  server = await startServer({ settings: testAssistant(), env });
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  asterisk = await startAsterisk({ http, audioSocket, sip, assistantId, apiKey }, { files: await tlsFiles() });
  line = await OutboundLine.open(server, asterisk);
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

test.each([
  ['plain text, μ-law', '2001'],
  ['JSON, linear at 16 kHz', '2201'],
])(
  'a real Asterisk 22 brings a call by HTTPS and WSS to our own listener, certificate checked: %s',
  async (_name, number) => {
    const phone = await Phone.open(new SipLeg(asterisk.phoneTo(number)));

    await phone.heardOut(QUIET_MS);
    await phone.press('1');
    const end = await phone.heardHangUp(20_000);

    const { turns, dtmf, call } = await server.endedCall(await server.lastContextId());
    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(dtmf).toBe('1');
    expect(turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
    expect(call.endReason).toBe('assistant_hung_up');
  },
  60_000,
);

test('a call that we place comes back by WSS', async () => {
  const contextId = await line.call('presses1', { transport: 'websocket' });

  const { dtmf, call } = await server.endedCall(contextId, 40_000);

  expect(dtmf).toBe('1');
  expect(call).toMatchObject({ direction: 'outbound', endReason: 'assistant_hung_up' });
}, 60_000);

/** The configuration of the other suites, all of it over TLS. Asterisk compares a certificate's name with host names, not addresses. */
async function tlsFiles(): Promise<Record<string, string>> {
  const dialplan = await configTemplate('extensions.conf');
  const client = await configTemplate('websocket_client.conf');
  return {
    'extensions.conf': dialplan
      .replaceAll('CURL(http://', 'CURL(https://')
      .replaceAll(
        /^exten => _X\.,1,Answer\(\)$/gm,
        'exten => _X.,1,Set(CURLOPT(ssl_verifypeer)=0)\n same => n,Answer()',
      ),
    'websocket_client.conf': client
      .replaceAll('ws://@RAPIDA_HOST@', `wss://${server.http.replace('127.0.0.1', 'localhost')}`)
      .replaceAll('tls_enabled = no', `tls_enabled = yes\nca_list_file = ${CERTIFICATE_FILE}`)
      .replaceAll(/(verify_server_cert|verify_server_hostname) = no/g, '$1 = yes'),
  };
}
