import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { FrameOutbox, LONGEST_BYTES } from './frame-outbox.ts';

const open: Disposable[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

/** Both ends of a TCP connection. */
async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const theirs = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await once(server, 'connection')) as [Socket];
  open.push({
    [Symbol.dispose]: () => {
      for (const socket of [ours, theirs]) socket.destroy();
      server.close();
    },
  });
  return { ours, theirs };
}

async function received(socket: Socket, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let count = 0; count < length; ) {
    const [piece] = (await once(socket, 'data')) as [Buffer];
    pieces.push(piece);
    count += piece.length;
  }
  return Buffer.concat(pieces);
}

test('frames are unmasked, with 7 or 16 bits of length, and leave in the order they were given', async () => {
  const { ours, theirs } = await pair();
  const outbox = new FrameOutbox();
  const view = Uint8Array.of(1, 2, 3);

  outbox.add(ours, 'Hällo', false);
  outbox.add(ours, view, true);
  view.fill(9);
  outbox.add(ours, 'x'.repeat(126), false);
  const waiting = outbox.waiting(ours);

  expect(waiting).toBe(8 + 5 + 130);
  expect(await received(theirs, waiting)).toEqual(
    Buffer.concat([
      Buffer.from([0x81, 6]),
      Buffer.from('Hällo'),
      Buffer.from([0x82, 3, 1, 2, 3, 0x81, 126, 0, 126]),
      Buffer.alloc(126, 'x'),
    ]),
  );
  expect(outbox.waiting(ours)).toBe(0);
});

test('what one turn of the event loop sends a socket is one write', async () => {
  const { ours } = await pair();
  const outbox = new FrameOutbox();
  const writes: number[] = [];
  const write = ours.write.bind(ours);
  ours.write = ((bytes: Buffer) => writes.push(bytes.length) && write(bytes)) as typeof ours.write;

  outbox.add(ours, 'audio', false);
  outbox.add(ours, 'mark', false);
  expect(writes).toEqual([]);
  await new Promise(setImmediate);
  outbox.add(ours, 'clear', false);
  outbox.flush();

  expect(writes).toEqual([13, 7]);
});

test('sockets that are sent something in the same turn get their own, and nothing else', async () => {
  const [first, second] = [await pair(), await pair()];
  const outbox = new FrameOutbox();

  outbox.add(first.ours, 'a1', false);
  outbox.add(second.ours, 'b1', false);
  outbox.add(first.ours, 'a2', false);

  expect((await received(first.theirs, 8)).toString('latin1')).toBe('\x81\x02a1\x81\x02a2');
  expect((await received(second.theirs, 4)).toString('latin1')).toBe('\x81\x02b1');
});

test('a peer that does not read gets every byte as it was when it reads again', async () => {
  const { ours, theirs } = await pair();
  const outbox = new FrameOutbox();
  const total = 400;

  for (let count = 0; count < total; count++) {
    outbox.add(ours, Buffer.alloc(LONGEST_BYTES, count), true);
    await new Promise(setImmediate);
  }
  expect(ours.writableLength).toBeGreaterThan(0);
  const stream = await received(theirs, total * (LONGEST_BYTES + 4));

  for (let count = 0; count < total; count++) {
    const payload = stream.subarray(count * (LONGEST_BYTES + 4) + 4, (count + 1) * (LONGEST_BYTES + 4));
    expect(payload.equals(Buffer.alloc(LONGEST_BYTES, count)), `frame ${count}`).toBe(true);
  }
});

test('a socket that has ended is sent nothing, and nothing is thrown', async () => {
  const { ours } = await pair();
  const outbox = new FrameOutbox();

  outbox.add(ours, 'too late', false);
  ours.destroy();
  await new Promise(setImmediate);

  expect(outbox.waiting(ours)).toBe(0);
});
