import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { CallRecord } from '@assistant/peers/server/call-record';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallServer, eventually, LONG_MS, startCallServer } from './call-server.ts';

/** What a server that hangs up says: a frame of kind 0x00, then the end of the stream. */
const HUNG_UP = '000000';
const AUDIO = Buffer.concat([Buffer.from('100140', 'hex'), Buffer.alloc(320)]);
const HUNG_UP_BY_CALLER = { status: 'ended', endReason: 'caller_hung_up' };
const LOST = { status: 'ended', endReason: 'media_lost' };
const STRANGER = '99999999-2222-4333-8444-555555555555';

let server: CallServer;

beforeAll(async () => {
  server = await startCallServer();
});

afterAll(() => server?.[Symbol.asyncDispose]());

describe.concurrent('over AudioSocket', () => {
  describe('connections that are no call', () => {
    test('an unknown UUID is hung up on', async () => {
      const line = await Line.open();

      line.send(idFrame(STRANGER));

      expect((await line.over()).endsWith(HUNG_UP)).toBe(true);
    });

    test(
      'a UUID in use: the second connection is hung up on, the first goes on; after the call it is no use either',
      async () => {
        const { phone, contextId } = await server.call(server.demo.assistantId);
        await phone.heardVoice(60, LONG_MS);

        const second = await Line.open();
        second.send(idFrame(contextId));
        expect((await second.over()).endsWith(HUNG_UP)).toBe(true);
        await phone.heardVoice(200, LONG_MS);
        phone.hangUp();
        const { call } = await server.endedRecord(contextId);
        const third = await Line.open();
        third.send(idFrame(contextId));

        expect((await third.over()).endsWith(HUNG_UP)).toBe(true);
        expect(call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
        expect((await server.record(contextId)).call).toEqual(call);
      },
      2 * LONG_MS,
    );

    test(
      'an expired UUID is hung up on, and its row ends as never connected',
      async () => {
        const contextId = await server.open(server.demo.assistantId);
        const client = new pg.Client(server.storage.connection);
        await client.connect();
        await client.query(`update calls set expires_at = now() - interval '1 second' where context_id = $1`, [
          contextId,
        ]);
        await client.end();

        const line = await Line.open();
        line.send(idFrame(contextId));

        expect((await line.over()).endsWith(HUNG_UP)).toBe(true);
        const { call, turns } = await server.endedRecord(contextId);
        expect(call).toMatchObject({ status: 'failed', endReason: 'never_connected', answeredAt: null });
        expect(turns).toEqual([]);
      },
      2 * LONG_MS,
    );

    test.each([
      ['says nothing', ''],
      ['says half an id', '01001011111111'],
      ['sends audio before its id', AUDIO.toString('hex')],
      ['sends an id of 15 bytes', `01000f${'11'.repeat(15)}`],
      ['speaks another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
    ])(
      'a peer that %s is let go without a word',
      async (_name, bytes) => {
        const line = await Line.open();

        line.send(Buffer.from(bytes, 'hex'));

        expect(await line.over()).toBe('');
      },
      2 * LONG_MS,
    );
  });

  describe('calls that break', () => {
    test.each<[string, (line: Line) => void, Pick<CallRecord['call'], 'status' | 'endReason'>]>([
      ['a hangup frame', (line) => line.send(Buffer.from('000000', 'hex')), HUNG_UP_BY_CALLER],
      ['a bare FIN', (line) => line.halfClose(), HUNG_UP_BY_CALLER],
      ['a FIN in the middle of a frame', (line) => line.send(AUDIO.subarray(0, 100)).halfClose(), HUNG_UP_BY_CALLER],
      [
        'the error frame of a peer that hung up',
        (line) => line.send(Buffer.from('ff000101', 'hex')),
        HUNG_UP_BY_CALLER,
      ],
      ['an error frame', (line) => line.send(Buffer.from('ff000102', 'hex')), LOST],
      // What a hang-up is when it meets a frame that was not read yet.
      ['a reset', (line) => line.reset(), HUNG_UP_BY_CALLER],
      ['a second id', (line) => line.send(idFrame(STRANGER)), LOST],
      ['a frame that claims 65,535 bytes', (line) => line.send(Buffer.from('10ffff', 'hex')), LOST],
    ])(
      '%s: the row says so, and the socket is closed',
      async (_name, fault, expected) => {
        const contextId = await server.open(server.demo.assistantId);
        const line = await Line.open();
        line.send(idFrame(contextId)).send(AUDIO);
        await server.status(contextId, 'claimed');
        await line.heardSound();

        fault(line);

        const { call, turns } = await server.endedRecord(contextId);
        await line.over();
        expect(call).toMatchObject(expected);
        expect(turns).toHaveLength(1);
        expect(turns[0]).toMatchObject({ role: 'assistant', wasInterrupted: true });
        expect(turns[0]?.text.startsWith(turns[0].heardText)).toBe(true);
        expect(turns[0]?.heardText).not.toBe(turns[0]?.text);
      },
      2 * LONG_MS,
    );

    test(
      'frames of unknown kinds and empty audio are passed over',
      async () => {
        const contextId = await server.open(server.demo.assistantId);
        const line = await Line.open();
        line.send(idFrame(contextId)).send(AUDIO);
        await line.heardSound();

        line
          .send(Buffer.from('420002aabb', 'hex'))
          .send(Buffer.from('100000', 'hex'))
          .send(Buffer.from('030000', 'hex'));
        line.send(Buffer.from('03000137', 'hex')).send(AUDIO);

        await eventually('the key in the record', async () =>
          (await server.record(contextId)).dtmf === '7' ? true : null,
        );
        line.halfClose();
        const { call, dtmf } = await server.endedRecord(contextId);
        expect([call.endReason, dtmf]).toEqual(['caller_hung_up', '7']);
      },
      2 * LONG_MS,
    );
  });
});

test(
  'after all that the next call is answered, and then nothing is in use',
  async () => {
    const { phone, contextId } = await server.call(server.demo.assistantId);
    await phone.heardVoice(200, LONG_MS);
    expect(await server.inUse()).toMatchObject({ calls_active: 1, media_active_calls: 1 });
    phone.hangUp();

    expect((await server.endedRecord(contextId)).call.endReason).toBe('caller_hung_up');
    await server.idle();
    expect(server.faults()).toEqual([]);
  },
  2 * LONG_MS,
);

/** A bare connection, which sends only what it is told. */
class Line {
  readonly #socket: Socket;
  readonly #over: Promise<void>;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#over = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.once('end', () => socket.end());
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
  }

  static async open(): Promise<Line> {
    const socket = connect({ ...server.audioSocket, noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    return new Line(socket);
  }

  send(bytes: Uint8Array): this {
    this.#socket.write(bytes);
    return this;
  }

  /** FIN from us; what the server still sends is read. */
  halfClose(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Waits for a frame of audio that is not silence. */
  async heardSound(): Promise<void> {
    await eventually('a sound', async () =>
      this.#received.some((byte, at) => at % 323 > 3 && byte !== 0) ? true : null,
    );
  }

  /** What was received, as hex, once the server has ended the stream. */
  async over(): Promise<string> {
    await this.#over;
    return this.#received.toString('hex');
  }
}

function idFrame(contextId: string): Buffer {
  return Buffer.concat([Buffer.from('010010', 'hex'), Buffer.from(contextId.replaceAll('-', ''), 'hex')]);
}
