import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { callLocally } from '../src/asterisk/local-caller.ts';
import { startBaresip } from '../src/baresip/baresip.ts';
import { AudioSocketDouble } from '../src/doubles/audiosocket-server.ts';
import { callFigures } from '../src/phone/call-figures.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';

/** The peers themselves: when these fail, no suite on top of them tells anything about the server. */
const CONTEXT_ID = '11111111-2222-4333-8444-555555555555';
const LOUD = new Int16Array(160).fill(5_000);
const SILENT = new Int16Array(160);

let audioSocket: AudioSocketDouble;
let phaseOne: Server;
let asterisk: Asterisk;
const asked: string[] = [];

beforeAll(async () => {
  // Speaks for 2 s, hangs up after 6.
  audioSocket = await AudioSocketDouble.start((tick) => (tick === 300 ? 'hang up' : tick < 100 ? LOUD : SILENT));
  phaseOne = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(CONTEXT_ID);
  });
  await new Promise<void>((resolve) => phaseOne.listen(0, '127.0.0.1', resolve));
  asterisk = await startAsterisk({
    http: `127.0.0.1:${(phaseOne.address() as AddressInfo).port}`,
    audioSocket: { host: '127.0.0.1', port: audioSocket.port },
    assistantId: '123456789',
    apiKey: 'rpd-x',
  });
});

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await audioSocket?.[Symbol.asyncDispose]();
  phaseOne?.close();
});

describe('Asterisk 22 of Debian sid', () => {
  test('it has every module that the documentation names', async () => {
    for (const name of ['res_audiosocket', 'app_audiosocket', 'chan_audiosocket', 'func_curl', 'chan_websocket']) {
      expect(await asterisk.cli(`module show like ${name}.so`)).toContain('Running');
    }
  });

  test('our SIP phone hears what an AudioSocket server sends, its keys arrive, and the end is told', async () => {
    const leg = new SipLeg(asterisk.phoneTo('1001'));
    const phone = await Phone.open(leg);

    await phone.heardOut(500);
    await phone.press('12#');
    const end = await phone.heardHangUp();

    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(callFigures(phone).voicedMs).toBeGreaterThan(1_900);
    expect(leg.lostPackets).toBe(0);
    expect(audioSocket.calls.at(-1)).toMatchObject({ id: CONTEXT_ID.replaceAll('-', ''), keys: '12#' });
    expect(asked.at(-1)).toBe('/v1/talk/asterisk/call/123456789?from=15551234&x-api-key=rpd-x');
  });

  test("Debian's baresip does the same", async () => {
    const says = { samples: new Int16Array(160_000), sampleRate: 8_000 };
    await using phone = await startBaresip({ target: asterisk.phoneTo('1001'), says });

    phone.dial(`sip:1001@127.0.0.1:${asterisk.ports.sip}`);
    await phone.happened('CALL_ESTABLISHED');
    await phone.press('12#');
    await phone.happened('CALL_CLOSED');

    const heard = await phone.heard();
    expect(heard.samples.filter((sample) => Math.abs(sample) > 4_000).length).toBeGreaterThan(1.9 * 8_000);
    expect(audioSocket.calls.at(-1)?.keys).toBe('12#');
  });

  test('a caller of its own applications presses keys and is recorded', async () => {
    const { heard } = await callLocally(asterisk, {
      number: '1001',
      steps: ['Playback(hello-world)', 'SendDTMF(12#,120,120)', 'Playback(silence/2)'],
      callerId: '"Bob" <+15559876>',
    });

    expect(audioSocket.calls.at(-1)?.keys).toBe('12#');
    expect(heard.samples.length).toBeGreaterThan(3 * 8_000);
    expect(asked.at(-1)).toBe('/v1/talk/asterisk/call/123456789?from=+15559876&x-api-key=rpd-x');
  });
});
