import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { OutboundLine } from '../src/asterisk/outbound-line.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';

let server: ServerUnderTest;
let asterisk: Asterisk;
let line: OutboundLine;

beforeAll(async () => {
  server = await startServer();
  asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    sip: server.sip,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  line = await OutboundLine.open(server, asterisk);
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('what a real Asterisk 22 tells of a call that we placed', () => {
  // Every one of them may ring for 30 s: that long it would take to know without its events.
  test.each([
    ['busy', 'busy'],
    ['congestion', 'carrier_failed'],
    ['rejected', 'rejected'],
    ['unallocated', 'carrier_failed'],
  ])('a callee that is %s ends it as %s at once', async (number, endReason) => {
    const contextId = await line.call(number);

    const { call } = await server.endedCall(contextId, 15_000);

    expect(call).toMatchObject({ status: 'failed', endReason });
  });

  test('nobody takes it: it ends with the ringing time, not with our own grace period behind it', async () => {
    const contextId = await line.call('noanswer', { ringTimeoutSeconds: 5 });

    const { call } = await server.endedCall(contextId, 14_000);

    expect(call).toMatchObject({ status: 'failed', endReason: 'no_answer' });
  }, 30_000);

  test.each(['audiosocket', 'websocket'])('a callee who hangs up ends the conversation over %s', async (transport) => {
    const contextId = await line.call('hangsup', { transport });

    const { call } = await server.endedCall(contextId, 15_000);

    expect(call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
  });
});

test('an Asterisk that dies takes its calls with it, and is listened to again once it is back', async () => {
  const ringing = await line.call('noanswer');
  await expect.poll(() => asterisk.cli('core show channels'), { timeout: 10_000 }).toContain('noanswer@callee');
  const pid = Number(await readFile(join(asterisk.runFolder, 'asterisk.pid'), 'utf8'));

  process.kill(pid, 'SIGKILL');
  await expect.poll(() => asterisk.cli('core show version'), { timeout: 5_000 }).toBe('');
  await asterisk.boot();

  // Its ringing time is not over for long.
  const { call: lost } = await server.endedCall(ringing, 20_000);
  expect(lost).toMatchObject({ status: 'failed', endReason: 'no_answer' });
  const { call: next } = await server.endedCall(await line.call('busy'), 15_000);
  expect(next).toMatchObject({ status: 'failed', endReason: 'busy' });
}, 60_000);
