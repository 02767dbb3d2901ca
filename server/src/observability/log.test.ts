import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLog } from './log.ts';
import { redactText } from './redact.ts';

function capture(level: 'debug' | 'info' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level, destination: { write: (line) => void lines.push(JSON.parse(line)) } });
  return { log, lines };
}

describe('a log line', () => {
  test('is the event with its level, time and fields', () => {
    const { log, lines } = capture();

    log
      .with({ contextId: '11111111-2222-4333-8444-555555555555' })
      .info('call.received', { isNew: true, from: '***001' });

    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        event: 'call.received',
        contextId: '11111111-2222-4333-8444-555555555555',
        isNew: true,
        from: '***001',
      },
    ]);
  });

  test('of a lower level is not written', () => {
    const { log, lines } = capture();

    log.debug('http.request', { status: 200 });

    expect(lines).toEqual([]);
  });

  test('of an error has its stack and its causes, without their secrets', () => {
    const { log, lines } = capture();
    const cause = new Error('connect postgres://op:hunter2@db/x failed');

    log.error('journal.write_failed', {}, new Error('no write', { cause }));

    expect(lines[0]?.['error']).toMatch(
      /^Error: no write\n {4}at [\s\S]*caused by: Error: connect postgres:\/\/op:\*\*\*@db\/x failed/,
    );
  });

  test('keeps its own names when a field has the same', () => {
    const { log, lines } = capture();

    log.info('odd', { event: 'x', level: 'y' });

    expect(lines[0]).toMatchObject({ event: 'odd', level: 'info', event_: 'x', level_: 'y' });
  });
});

describe('what never gets out', () => {
  const KEY = 'rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD';

  test.each([
    [`GET /v1/talk/asterisk/call/1?from=1&x-api-key=${KEY}`, 'LabKey'],
    [`the key ${KEY} is not valid`, 'LabKey'],
    ['{"x-api-key": "hunter2"}', 'hunter2'],
    ['Authorization: Bearer hunter2', 'hunter2'],
    ['authorization=Basic aHVudGVyMg==', 'aHVu'],
    ['INVITE sip:123456789:hunter2@10.0.0.1:5090', 'hunter2'],
    ['https://api:hunter2@example.com/x', 'hunter2'],
    ['OPENAI sk-proj-hunter2hunter2hunter2', 'hunter2'],
    ['-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----', 'hunter2'],
    ['call from +49 (30) 1234-567 failed', '1234'],
    ['call from 4930123456789 failed', '123456'],
    ['number 15550001234, busy', '5550001'],
  ])('%j', (text, secret) => {
    expect(redactText(text)).not.toContain(secret);
  });

  test.each(['apiKey', 'password', 'authToken', 'Authorization', 'clientSecret', 'cookie', 'vaultKeys'])(
    'the value of a field named %s',
    (name) => {
      const { log, lines } = capture();

      log.info('x', { [name]: 'hunter2' });

      expect(lines[0]).toMatchObject({ [name]: '***' });
    },
  );

  test('a key hidden anywhere in any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(redactText(`${before} ${KEY} ${after}`)).not.toContain('LabKey0LabKey1');
      }),
    );
  });
});

test.each([
  ['assistantId', '123456789'],
  ['conversationId', '4567890123456789'],
  ['apiKeyId', '11111111-2222-4333-8444-555555555555'],
  ['providerCallId', '1795246880.2'],
  ['address', '127.0.0.1:9007'],
  ['contextId', '11111111-2222-4333-8444-555555555555'],
])('the field %s keeps its value %s', (name, value) => {
  const { log, lines } = capture();

  log.info('x', { [name]: value });

  expect(lines[0]).toMatchObject({ [name]: value });
});

test.each([
  'no assistant context 11111111-2222-4333-8444-555555555555',
  'at 2026-11-21T10:38:00.123Z',
  'port 65535 of 127.0.0.1:9007 took 12.3456789 ms',
  'file:///work/server/src/main.ts:12:34',
])('%j is no secret and stays', (text) => {
  expect(redactText(text)).toBe(text);
});

test('a phone number keeps its last three digits, to recognise it by', () => {
  expect(redactText('from +15550001234')).toBe('from ***234');
});
