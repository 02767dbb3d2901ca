import { describe, expect, test } from 'vitest';
import { BadArguments, readArguments } from './arguments.ts';

const NEEDED = ['--assistant', '7', '--key', 'rpd-x'];

describe('the command line of the phone', () => {
  test('steps keep the order in which they were given', () => {
    const args = readArguments([...NEEDED, '--dtmf', '2', '--say', 'billing', '--stay', '500', '--dtmf', '1#']);

    expect(args?.steps).toEqual([
      { type: 'dtmf', keys: '2' },
      { type: 'say', text: 'billing' },
      { type: 'stay', ms: 500 },
      { type: 'dtmf', keys: '1#' },
    ]);
  });

  test('what is left out has the addresses of npm start', () => {
    expect(readArguments(NEEDED)).toMatchObject({
      url: 'http://127.0.0.1:9007',
      audioSocket: { host: '127.0.0.1', port: 4573 },
      from: '',
      voice: 'slt',
      bargeInAfterMs: null,
      maxMs: 60_000,
    });
  });

  test("over a carrier an account's secret stands in for the key", () => {
    const args = ['--assistant', '7', '--channel', 'vonage', '--account', 'app', '--secret', 's', '--delay', '60'];

    expect(readArguments(args)).toMatchObject({
      channel: 'vonage',
      apiKey: null,
      carrier: { account: { id: 'app', secret: 's' }, publicHost: null, to: '+15550000', delayMs: 60, jitterMs: 0 },
    });
  });

  test('--help asks for help and nothing else', () => {
    expect(readArguments(['--help'])).toBeNull();
  });

  test.each([
    [[], '--assistant is missing: give the id that npm start printed'],
    [['--assistant', '7'], '--key is missing: give the API key that npm start printed'],
    [[...NEEDED, '--dtmf', '1x'], '--dtmf 1x: keys are 0-9 * # A-D'],
    [[...NEEDED, '--voice', 'alice'], '--voice alice: there are rms, slt, awb, kal16'],
    [[...NEEDED, '--audiosocket', 'localhost'], '--audiosocket localhost: give host:port, like 127.0.0.1:4573'],
    [[...NEEDED, '--url', 'localhost:9007'], '--url localhost:9007: give an address like http://127.0.0.1:9007'],
    [
      [...NEEDED, '--channel', 'pigeon'],
      '--channel pigeon: this phone has audiosocket, asterisk-websocket, twilio, vonage, exotel',
    ],
    [[...NEEDED, '--barge-in-after', '-1'], /--barge-in-after/],
    [
      ['--assistant', '7', '--channel', 'twilio', '--account', 'AC1'],
      '--secret is missing: give the secret of the account',
    ],
    [['--assistant', '7', '--account', 'AC1', '--secret', 's'], /--key is missing/],
    [[...NEEDED, '--sya', 'hello'], /Unknown option '--sya'/],
  ])('%j is refused with a reason', (argv, message) => {
    expect(() => readArguments(argv)).toThrow(BadArguments);
    expect(() => readArguments(argv)).toThrow(message);
  });
});
