import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { wasNeverSent } from './was-never-sent.ts';

test('a refused connection never carried the request, as fetch tells it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');

  const refused = await fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);

  expect(wasNeverSent(new Error('wrapped', { cause: refused }))).toBe(true);
});

test.each([
  ['a reset', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
  ['a time-out', new DOMException('late', 'TimeoutError')],
  ['nothing known', 'text'],
])('%s may have come through', (_, error) => {
  expect(wasNeverSent(error)).toBe(false);
});
