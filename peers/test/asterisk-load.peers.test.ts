import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { makeCallLoad } from '../src/asterisk/call-load.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { testAssistant } from '../src/server/test-assistant.ts';

let server: ServerUnderTest;
let asterisk: Asterisk;

beforeAll(async () => {
  server = await startServer({ settings: testAssistant() });
  const { http, audioSocket, assistantId, apiKey } = server;
  asterisk = await startAsterisk({ http, audioSocket, assistantId, apiKey });
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

test.each([
  ['AudioSocket()', '1001'],
  ['Dial(AudioSocket/…)', '4001'],
  ['Dial(WebSocket/…)', '2001'],
])(
  'two calls a second for ten seconds by %s: none is lost, nothing is left open on either side',
  async (_name, number) => {
    // The first calls open pools and files that stay.
    await makeCallLoad(server, asterisk, { number, rate: 2, seconds: 2, talkSeconds: 1 });

    const { right, lost, mostChannels, left } = await makeCallLoad(server, asterisk, {
      number,
      rate: 2,
      seconds: 10,
      talkSeconds: 3,
    });

    expect(lost).toEqual({});
    expect(right).toBe(20);
    expect(mostChannels).toBeGreaterThan(4);
    expect(left.asteriskChannels).toBe(0);
    expect(left.gauges).toEqual({});
    expect(left.asteriskFiles).toBeLessThan(5);
  },
);
