import { describe, expect, test } from 'vitest';
import { type Libc, openLibc } from '../../native/libc.ts';
import { PolledSockets } from './polled-sockets.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;

function world(calls: Libc = openLibc()) {
  const polled = new PolledSockets(Buffer.alloc(1_000), calls);
  const told: string[] = [];
  const open = new Set<number>();
  const close = (number: number) => void (open.delete(number) && calls.close(number));
  const pair = () => {
    const numbers = new Int32Array(2);
    calls.socketpair(AF_UNIX, SOCK_STREAM, 0, numbers);
    for (const number of numbers) open.add(number);
    const [ours = -1, theirs = -1] = numbers;
    return { ours, theirs };
  };
  const watch = (name: string, number: number, then = () => {}) =>
    polled.watch(number, {
      arrived: (memory, count) => {
        told.push(`${name}: ${memory.toString('latin1', 0, count)}`);
        then();
      },
      leave: () => void told.push(`${name} left`),
    });
  const dispose = () => {
    polled[Symbol.dispose]();
    for (const number of open) close(number);
  };
  return { polled, told, pair, watch, close, [Symbol.dispose]: dispose };
}

describe('sockets that the system is asked about', () => {
  test('give what they have, and the one that was forgotten gives nothing', () => {
    using here = world();
    const [a, b] = [here.pair(), here.pair()];
    here.watch('a', a.ours);
    here.watch('b', b.ours);

    here.polled.send(a.theirs, Buffer.from('one'));
    here.polled.send(b.theirs, Buffer.from('two'));
    here.polled.look();
    here.polled.forget(b.ours);
    here.polled.send(a.theirs, Buffer.from('three'));
    here.polled.send(b.theirs, Buffer.from('four'));
    here.polled.look();

    expect(here.told).toEqual(['a: one', 'b: two', 'a: three']);
    expect(here.polled.watched).toBe(1);
  });

  test('a socket that floods gives one piece a look, and costs another none of its own', () => {
    using here = world();
    const [a, b] = [here.pair(), here.pair()];
    here.watch('a', a.ours);
    here.watch('b', b.ours);

    here.polled.send(a.theirs, Buffer.alloc(2_500, 'x'));
    here.polled.send(b.theirs, Buffer.from('two'));
    here.polled.look();
    const first = here.told.splice(0).map((line) => line.length);
    here.polled.look();
    here.polled.look();

    expect(first).toEqual([1_003, 6]);
    expect(here.told.map((line) => line.length)).toEqual([1_003, 503]);
  });

  test('one that was forgotten by what another brought is not read', () => {
    using here = world();
    const [a, b] = [here.pair(), here.pair()];
    here.watch('a', a.ours, () => here.polled.forget(b.ours));
    here.watch('b', b.ours);

    here.polled.send(a.theirs, Buffer.from('bye b'));
    here.polled.send(b.theirs, Buffer.from('too late'));
    here.polled.look();

    expect(here.told).toEqual(['a: bye b']);
  });

  test('an end is left to whoever read before, after what came before it', () => {
    using here = world();
    const { ours, theirs } = here.pair();
    here.watch('a', ours);

    here.polled.send(theirs, Buffer.from('last'));
    here.close(theirs);
    here.polled.look();
    here.polled.look();
    here.polled.look();

    expect(here.told).toEqual(['a: last', 'a left']);
    expect(here.polled.watched).toBe(0);
  });

  test('what the system does not take is not taken', () => {
    using here = world();
    const { ours, theirs } = here.pair();
    const bytes = Buffer.alloc(60_000, 'x');
    let sent = 0;
    for (let taken = 1; taken > 0; sent += taken) taken = here.polled.send(theirs, bytes);

    expect(here.polled.send(theirs, bytes)).toBe(0);
    here.close(ours);
    expect(here.polled.send(theirs, bytes)).toBe(0);
    expect(sent).toBeGreaterThan(0);
  });

  test.each([
    ['epoll is refused', { epoll_create1: () => -1 }, 'the system has no epoll for us'],
    ['the numbers are wrong', { recv: () => 0 }, 'their proof failed: nothing came'],
  ])('where %s nobody gets one', (_what, broken, message) => {
    const calls = { ...openLibc(), ...broken };

    expect(() => new PolledSockets(Buffer.alloc(10), calls)).toThrow(message);
  });
});
