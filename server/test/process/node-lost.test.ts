import { expect, test } from 'vitest';
import { requestCall } from '../../../peers/src/phone/phase-one.ts';
import type { CallRecord } from '../../../peers/src/server/call-record.ts';
import { announceCall, CALLER, callDemo, closedCall, connectPhone, pressAndHear, readCall } from './demo-call.ts';
import { processesOf, treeOf } from './process-table.ts';
import { ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 120_000;
/** What was said longer ago than this survives any crash of ours. */
const WRITTEN_WITHIN_MS = 2_000;
/** Dead calls are closed this soon after the next start. */
const REAPED_WITHIN_MS = 30_000;

async function callWithId(home: ServerHome, server: ServerProcess, callId: string): Promise<string> {
  const { url } = server;
  const request = { url, assistantId: home.assistantId, apiKey: home.apiKey, from: CALLER, callId };
  return (await requestCall(request)).contextId;
}

test('kill -9 in a call: the next start takes the database on as it is, closes the call, keeps its turns, and serves', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const first = await home.start();
  const contextId = await callWithId(home, first, 'pbx-call-1');
  const phone = await connectPhone(first, contextId);
  await phone.heardVoice(60);
  await pressAndHear(phone, '1');
  await phone.stay(WRITTEN_WITHIN_MS);
  const pending = await announceCall(home, first);
  const { postmaster } = home;

  first.signal('SIGKILL');
  await first.end();
  expect((await phone.ended).by).toBe('far end');
  expect(home.postmaster).toBe(postmaster);

  const second = await home.start();
  const startedAt = performance.now();
  const lost = await closedCall(home, second, contextId);
  expect(performance.now() - startedAt).toBeLessThan(REAPED_WITHIN_MS);
  expect(second.events('database.adopted')).toMatchObject([{ pid: postmaster }]);
  expect(lost.call).toMatchObject({ status: 'failed', endReason: 'node_lost' });
  expect(lost.dtmf).toBe('1');
  expect(lost.turns.map(({ role, text, source }) => ({ role, text, source }))).toMatchObject([
    { role: 'assistant' },
    { role: 'caller', text: '1', source: 'digits' },
  ]);

  // A PBX that comes with what the dead process promised is served, and so is the carrier that tries its call again.
  const promised = await connectPhone(second, pending.contextId);
  await promised.heardVoice(60);
  await pressAndHear(promised, '2');
  promised.hangUp();
  expect((await closedCall(home, second, pending.contextId)).call.endReason).toBe('caller_hung_up');
  const again = await callWithId(home, second, 'pbx-call-1');
  expect(again).not.toBe(contextId);
  const { conversationId } = lost.call as CallRecord['call'] & { readonly conversationId: string };
  expect((await readCall(home, second, again)).call).toMatchObject({ attempt: 2, conversationId });
  second.signal('SIGTERM');
  expect(await second.end()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(home.postmaster).toBeNull();
  expect(processesOf(first.pid)).toEqual([]);
});

test('kill -9 of the server and of its database together: the database recovers at the next start, with all turns', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const first = await home.start();
  const { contextId, phone } = await callDemo(home, first);
  await pressAndHear(phone, '3');
  await phone.stay(WRITTEN_WITHIN_MS);

  for (const pid of treeOf(first.pid)) process.kill(pid, 'SIGKILL');
  await first.end();
  const second = await home.start();

  const lost = await closedCall(home, second, contextId);
  expect(second.events('database.started')).toMatchObject([{ isNew: false }]);
  expect(lost.call).toMatchObject({ status: 'failed', endReason: 'node_lost' });
  expect(lost.dtmf).toBe('3');
  expect(lost.turns.slice(0, 2).map(({ role }) => role)).toEqual(['assistant', 'caller']);
  const { phone: next } = await callDemo(home, second);
  next.hangUp();
});
