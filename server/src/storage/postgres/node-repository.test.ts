import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietLog } from '../../../test/fakes/quiet-log.ts';
import { freshStorage } from '../../../test/postgres/fresh-database.ts';
import { type SampleAssistant, sampleAssistant, sampleContext } from '../../../test/postgres/sample-calls.ts';
import type { ContextId, ConversationId, CredentialId, DeploymentId, NodeId, TransferId } from '../../core/ids.ts';
import { openStorage, type Storage } from '../open-storage.ts';

const LONG_MS = 600_000;
let storage: Storage & { readonly url: string };
let assistant: SampleAssistant;

beforeAll(async () => {
  storage = await freshStorage();
  assistant = await sampleAssistant(storage.assistants);
});
afterAll(() => storage[Symbol.asyncDispose]());

const node = (name: string, pid = process.pid) => ({ id: name as NodeId, host: 'here', pid, url: `http://${name}` });

/** What only time would do. */
async function sql(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: storage.url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

async function liveCall(nodeId: string): Promise<string> {
  const { context } = await storage.calls.open(sampleContext(assistant));
  await storage.calls.claim(context.contextId, 'twilio', nodeId as NodeId);
  return context.contextId;
}

const stored = async (contextId: string) => {
  const { calls } = await storage.calls.list({ projectId: assistant.projectId, limit: 200 });
  return calls.find((call) => call.contextId === contextId);
};

test('calls of a node silent for 15 s end as lost, those of a beating one go on', async () => {
  await storage.nodes.register(node('beating'));
  await storage.nodes.register(node('silent'));
  const lost = await liveCall('silent');
  const kept = await liveCall('beating');
  await sql("update nodes set heartbeat_at = now() - interval '16 s' where id in ('silent', 'beating')");
  await storage.nodes.beat('beating' as NodeId, 1);

  const reaped = await storage.nodes.reap(15_000);

  expect(reaped).toEqual([lost]);
  expect(await stored(lost)).toMatchObject({ status: 'failed', endReason: 'node_lost' });
  expect(await stored(kept)).toMatchObject({ status: 'live', endReason: null });
});

test('a transfer that a dead node was dialling has failed; one that the carrier took over is the carrier’s to tell of', async () => {
  await storage.nodes.register(node('dialler'));
  const transferOf = async (contextId: string) => (await storage.transfers.newestOf(contextId as ContextId))?.state;
  const dialling = async () => {
    const contextId = (await liveCall('dialler')) as ContextId;
    const transferId = randomUUID() as TransferId;
    const { projectId } = assistant;
    const conversationId = '1234567890123456' as ConversationId;
    await storage.transfers.ask({ transferId, contextId, conversationId, projectId, to: '+15550100', bookmark: null });
    await storage.transfers.dial(transferId);
    return { contextId, transferId };
  };
  const [ours, theirs] = [await dialling(), await dialling()];
  await storage.transfers.handOver(theirs.transferId);
  await sql("update nodes set heartbeat_at = now() - interval '16 s' where id = 'dialler'");

  await storage.nodes.reap(15_000);

  expect(await transferOf(ours.contextId)).toBe('failed');
  expect(await transferOf(theirs.contextId)).toBe('dialling');
});

test.each(['placing', 'placed'] as const)(
  'a SIP call that a dead node was %s ends as lost; a carrier rings on',
  async (state) => {
    const dead = `dead-${state}` as NodeId;
    await storage.nodes.register(node(dead));
    const dialled = async (channel: 'sip' | 'twilio') => {
      const order = { deploymentId: randomUUID() as DeploymentId, credentialId: randomUUID() as CredentialId };
      const options = {
        ringTimeoutSeconds: 30,
        maxDurationSeconds: 600,
        hasMachineDetection: false,
        machineAction: 'record',
      } as const;
      const context = sampleContext(assistant, { channel, direction: 'outbound' });
      await storage.outbound.enqueue({ ...order, context, options });
      await storage.outbound.take(dead, 30_000, context.contextId);
      await storage.outbound.placing(context.contextId, dead);
      if (state === 'placed') await storage.outbound.placed(context.contextId, `id-${channel}`, 90_000);
      return context.contextId;
    };
    const [ours, theirs] = [await dialled('sip'), await dialled('twilio')];
    await sql(`update nodes set heartbeat_at = now() - interval '16 s' where id = '${dead}';
    update outbound_calls set placing_since = now() - interval '16 s'`);

    expect(await storage.nodes.reap(15_000)).toEqual([ours]);

    expect(await stored(ours)).toMatchObject({ status: 'failed', endReason: 'node_lost' });
    expect(await stored(theirs)).toMatchObject({ endReason: null });
    expect(await storage.outbound.take('alive' as NodeId, 1_000, ours)).toBeNull();
  },
);

test('a node that was taken for dead is back with its next beat', async () => {
  await storage.nodes.register(node('asleep'));
  await sql("update nodes set heartbeat_at = now() - interval '1 h' where id = 'asleep'");
  await storage.nodes.reap(15_000);

  await storage.nodes.beat('asleep' as NodeId, 0);
  const kept = await liveCall('asleep');
  await sql("update calls set claimed_at = now() - interval '1 h' where claimed_by = 'asleep'");

  expect(await storage.nodes.reap(15_000)).toEqual([]);
  expect(await stored(kept)).toMatchObject({ status: 'live' });
});

test('calls of a process that is gone from this machine end at once, whatever its last beat', async () => {
  const gone = spawn(process.execPath, ['-e', '0']);
  const hasExited = once(gone, 'exit');
  await storage.nodes.register(node('gone', gone.pid));
  const lost = await liveCall('gone');
  await hasExited;
  // A storage of its own, as the next process would have: the one that registered a node never doubts it.
  await using next = await openStorage({ database: { type: 'url', url: storage.url }, log: quietLog });

  const reaped = await next.nodes.reap(LONG_MS);

  expect(reaped).toEqual([lost]);
});

test('another node of this very process is left alone', async () => {
  await storage.nodes.register(node('neighbour'));
  const kept = await liveCall('neighbour');
  await using other = await openStorage({ database: { type: 'url', url: storage.url }, log: quietLog });

  expect(await other.nodes.reap(LONG_MS)).toEqual([]);
  expect(await stored(kept)).toMatchObject({ status: 'live' });
});

test('contexts nobody came for expire once, although five nodes sweep at the same time', async () => {
  const overdue: string[] = [];
  for (let count = 0; count < 40; count++) {
    overdue.push((await storage.calls.open(sampleContext(assistant, { ttlMs: -1 }))).context.contextId);
  }
  const waiting = await storage.calls.open(sampleContext(assistant));

  const sweeps = await Promise.all(Array.from({ length: 5 }, () => storage.nodes.reap(LONG_MS)));

  expect(sweeps.flat().toSorted()).toEqual(overdue.toSorted());
  expect((await storage.calls.find(waiting.context.contextId))?.status).toBe('pending');
  expect(await stored(overdue[0] as string)).toMatchObject({ status: 'failed', endReason: 'never_connected' });
});
