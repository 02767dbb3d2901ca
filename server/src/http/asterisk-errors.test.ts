import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASSISTANT_ID, CONTEXT_ID, type HttpWorld, httpWorld, TALK_KEY } from '../../test/http/http-world.ts';
import { type RawOptions, sendRaw } from '../../test/http/raw-http.ts';
import { AppError } from '../core/errors.ts';

/**
 * CURL() hands the dialplan the body of any answer, and the manual's dialplan takes every non-empty one for a context id:
 * so each error here must be empty, whoever makes it.
 */
let world: HttpWorld;
beforeAll(async () => {
  world = await httpWorld({ limits: { requestTimeoutMs: 300, headersTimeoutMs: 200, checkEveryMs: 50 } });
});
afterAll(() => world[Symbol.asyncDispose]());

const CALL = `/v1/talk/asterisk/call/${ASSISTANT_ID}`;
const HEAD = 'HTTP/1.1\r\nHost: a\r\n';
const never = () => new Promise<string>(() => undefined);

type Row = readonly [what: string, request: string | Uint8Array, status: number, options?: RawOptions];

const rows: readonly Row[] = [
  ['no HTTP at all', 'hello there\r\n\r\n', 400],
  ['HTTP/2 without being asked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['an unknown method', `FROB ${CALL} ${HEAD}\r\n`, 400],
  ['a blank in the address', `GET ${CALL}?from=a b ${HEAD}\r\n`, 400],
  ['bytes that are no address', Buffer.from(`GET ${CALL}?from=\x01 ${HEAD}\r\n`, 'latin1'), 400],
  ['a header without a name', `GET ${CALL} HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n`, 400],
  ['no host header', `GET ${CALL} HTTP/1.1\r\n\r\n`, 400],
  ['two different lengths', `POST ${CALL} ${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 400],
  ['a length and chunks', `POST ${CALL} ${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a length that is no number', `POST ${CALL} ${HEAD}Content-Length: ten\r\n\r\n`, 400],
  ['a chunk that is no chunk', `POST ${CALL} ${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
  ['percent signs that decode to nothing', `GET /v1/talk/asterisk/call/%zz ${HEAD}\r\n`, 400],
  ['bad UTF-8 behind percent signs', `GET /v1/talk/asterisk/call/%ff%fe ${HEAD}\r\n`, 400],
  ['JSON that is none', post('application/json', '{"from":'), 400],
  ['JSON in another encoding', post('application/json', Buffer.from([0x22, 0xff, 0x22])), 400],
  ['a multipart body without parts', post('multipart/form-data; boundary=x', 'nothing'), 400],
  ['a multipart body without a boundary', post('multipart/form-data', 'nothing'), 400],
  ['an unknown assistant', `GET /v1/talk/asterisk/call/5?from=1 ${HEAD}\r\n`, 404],
  ['no assistant in the address', `GET /v1/talk/asterisk/call/ ${HEAD}\r\n`, 404],
  ['no assistant, no slash', `GET /v1/talk/asterisk/call?from=1 ${HEAD}\r\n`, 404],
  ['more path than there is', `GET ${CALL}/more ${HEAD}\r\n`, 404],
  ['more path behind doubled slashes', `GET //v1//talk/asterisk//call/1/more ${HEAD}\r\n`, 404],
  ['letters of another case', `GET /V1/Talk/Asterisk/Call/1 ${HEAD}\r\n`, 404],
  ['an absolute target', `GET http://a/v1/talk/asterisk/call/5?from=1 ${HEAD}\r\n`, 404],
  ['a name in disguise', `GET /v1/talk/%61sterisk/call/5?from=1 ${HEAD}\r\n`, 404],
  ['a wrong method', `DELETE ${CALL} ${HEAD}\r\n`, 405],
  ['a method nobody has here', `PROPFIND ${CALL} ${HEAD}\r\n`, 405],
  ['OPTIONS', `OPTIONS ${CALL} ${HEAD}\r\n`, 405],
  ['CONNECT', `CONNECT ${CALL} ${HEAD}\r\n`, 405],
  ['nothing at all', '', 408, { rest: never }],
  ['headers that never end', `GET ${CALL} ${HEAD}`, 408, { rest: never }],
  [
    'a body that never comes',
    `POST ${CALL} ${HEAD}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n`,
    408,
    { rest: never },
  ],
  [
    'a body over 256 KiB, announced',
    `POST ${CALL} ${HEAD}Content-Type: application/json\r\nContent-Length: 262145\r\n\r\n`,
    413,
  ],
  ['a body over 256 KiB, in chunks', chunked('a'.repeat(262_145)), 413],
  ['an address of 9 KiB', `GET ${CALL}?from=${'1'.repeat(9_000)} ${HEAD}\r\n`, 414],
  ['an address of 20 KiB', `GET ${CALL}?from=${'1'.repeat(20_000)} ${HEAD}\r\n`, 414],
  ['a text body', post('text/plain', 'from=1'), 415],
  ['a body of no kind', post(null, 'from=1'), 415],
  ['a kind that is none', post(';;', 'from=1'), 415],
  ['a JSON list', post('application/json', '[1]'), 422],
  ['a form with a file', post('multipart/form-data; boundary=x', file('x')), 422],
  ['the bare curl', `GET ${CALL} ${HEAD}\r\n`, 422],
  ['an expectation nobody knows', `GET ${CALL} ${HEAD}Expect: wonders\r\n\r\n`, 422],
  ['headers of 20 KiB', `GET ${CALL} ${HEAD}X-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
];

function post(type: string | null, body: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(body as string);
  const kind = type === null ? '' : `Content-Type: ${type}\r\n`;
  return Buffer.concat([Buffer.from(`POST ${CALL} ${HEAD}${kind}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
}

function chunked(body: string): string {
  return `POST ${CALL} ${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

function file(boundary: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\ntext\r\n--${boundary}--\r\n`;
}

describe('under the address of Asterisk every error is empty and says why in X-Error', () => {
  for (const [what, request, status, options] of rows) {
    test(`${what} is answered ${status}`, async () => {
      const answer = await sendRaw(world.port, request, options);

      expect({ status: answer.status, body: answer.body }).toEqual({ status, body: '' });
      expect(answer.headers['x-error']).toMatch(/^[a-z_]+: [ -~]+$/);
      expect(answer.headers['content-length']).toBe('0');
      expect(world.opened).toEqual([]);
    });
  }

  test('an Upgrade header changes nothing', async () => {
    const answer = await sendRaw(
      world.port,
      `GET ${CALL} ${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );

    expect([answer.status, answer.body]).toEqual([422, '']);
  });

  test.each([
    'rate_limited',
    'internal',
    'over_capacity',
    'draining',
    'database_unavailable',
    'not_configured',
  ] as const)('phase 1 that ends in %s', async (code) => {
    await using failing = await httpWorld({ useCases: { receiveCall: () => Promise.reject(new AppError(code)) } });

    const answer = await sendRaw(failing.port, `GET ${CALL}?from=1&x-api-key=${TALK_KEY} ${HEAD}\r\n`);

    expect([answer.status, answer.body]).toEqual([new AppError(code).status, '']);
    expect(answer.headers['x-error']).toMatch(new RegExp(`^${code}: `));
  });

  test('whatever is done to a good request, there is no body but the id', async () => {
    const good = `POST ${CALL}?from=1&x-api-key=${TALK_KEY} ${HEAD}Content-Type: application/json\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{"to":"1"}`;
    const spoilt = fc.tuple(fc.nat(good.length - 1), fc.nat(3), fc.string({ unit: 'binary-ascii', maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(fc.array(spoilt, { minLength: 1, maxLength: 3 }), async (spots) => {
        const bytes = spots.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), good);
        const isOurs = bytes.includes(' /v1/talk/asterisk/call/');
        const answer = await sendRaw(world.port, bytes).catch(() => null);
        if (answer && isOurs) expect(['', CONTEXT_ID]).toContain(answer.body);
        if (answer && answer.status !== 200 && isOurs) expect(answer.body).toBe('');
      }),
      { numRuns: 150 },
    );
  });

  test('elsewhere an error has its problem document', async () => {
    const answer = await sendRaw(world.port, `GET /v1/talk/asterisk/nothing ${HEAD}\r\n`);

    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(JSON.parse(answer.body)).toEqual({
      type: '/docs#not_found',
      title: 'There is nothing at this address',
      status: 404,
      code: 'not_found',
    });
  });
});
