import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { quietLog } from '../../test/fakes/quiet-log.ts';
import { realClock } from '../../test/fakes/real-clock.ts';
import { type FreshDatabase, freshDatabase } from '../../test/postgres/fresh-database.ts';
import type { ContextId } from '../core/ids.ts';
import type { BusMessage, EventBus } from '../core/ports/event-bus.ts';
import { readMessage, writeMessage } from './bus-message.ts';
import { openPostgresBus } from './postgres-bus.ts';

let database: FreshDatabase;
const buses: EventBus[] = [];
beforeAll(async () => {
  database = await freshDatabase();
});
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus[Symbol.asyncDispose]();
});
afterAll(() => database[Symbol.asyncDispose]());

const END: BusMessage = {
  type: 'call.end',
  contextId: '11111111-2222-4333-8444-555555555555' as ContextId,
  reason: 'assistant_hung_up',
};

function openBus(): EventBus {
  const bus = openPostgresBus({ connection: { connectionString: database.url }, clock: realClock, log: quietLog });
  buses.push(bus);
  return bus;
}

/** What a bus delivers, and promises for the next of each kind. */
function listen(bus: EventBus) {
  const heard: BusMessage[] = [];
  let wake = Promise.withResolvers<void>();
  let resynced = Promise.withResolvers<void>();
  bus.subscribe({
    message: (message) => {
      heard.push(message);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    resync: () => {
      resynced.resolve();
      resynced = Promise.withResolvers();
    },
  });
  const until = async (count: number) => {
    while (heard.length < count) await wake.promise;
  };
  const last = async (message: BusMessage) => {
    while (JSON.stringify(heard.at(-1)) !== JSON.stringify(message)) await wake.promise;
  };
  return { heard, until, last, nextResync: () => resynced.promise };
}

async function admin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

const changed = (count: number): BusMessage => ({ type: 'call.changed', contextId: `c${count}` as ContextId });

test('a message reaches every node, the sender too, in order', async () => {
  const one = openBus();
  const two = openBus();
  const atOne = listen(one);
  const atTwo = listen(two);
  // A first message of its own tells that a bus listens.
  await one.publish(END);
  await two.publish(END);
  await atOne.until(1);
  await atTwo.until(1);

  for (let count = 0; count < 100; count++) await one.publish(changed(count));
  await atOne.last(changed(99));
  await atTwo.last(changed(99));

  const sent = Array.from({ length: 100 }, (_, count) => changed(count));
  expect(atOne.heard.slice(-100)).toEqual(sent);
  expect(atTwo.heard.slice(-100)).toEqual(sent);
});

test('after a lost connection it listens again, and says that messages may be missing', async () => {
  const bus = openBus();
  const { heard, until, nextResync } = listen(bus);
  await bus.publish(END);
  await until(1);

  const resync = nextResync();
  await admin(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'assistant-api bus' and datname = current_database()",
  );
  await resync;
  await bus.publish(changed(1));
  await until(2);

  expect(heard).toEqual([END, changed(1)]);
});

test('what a newer version or another program sends is passed over', async () => {
  const bus = openBus();
  const { heard, until } = listen(bus);
  await bus.publish(END);

  await admin(`notify assistant_bus, '{"type":"moon.landed"}'`);
  await admin("notify assistant_bus, 'hello'");
  await admin('notify assistant_bus');
  await bus.publish(END);
  await until(2);

  expect(heard).toEqual([END, END]);
});

test('publishing while the database is away is an error, not a silence', async () => {
  const bus = openPostgresBus({ connection: { host: '/nowhere' }, clock: realClock, log: quietLog });
  buses.push(bus);

  await expect(bus.publish(END)).rejects.toMatchObject({ code: 'database_unavailable' });
});

test.each([
  '',
  'null',
  '[]',
  '{"type":"call.end"}',
  '{"type":"call.end","contextId":1,"reason":"idle"}',
  '{"type":"toString"}',
])('%j is no message', (text) => {
  expect(readMessage(text)).toBeNull();
  expect(readMessage(writeMessage(END))).toEqual(END);
});
