import { expect, test } from 'vitest';
import { callUrl } from '../../../peers/src/phone/phase-one.ts';
import { callDemo, pressAndHear } from './demo-call.ts';
import { ServerHome } from './server-process.ts';

const LIMIT_MS = 60_000;
const CALLER = '+442079460018';
const FORGED = 'rpd-WrongKey0WrongKey1WrongKey2Wron0000AB';

test('no line of the log of a whole run, at its most talkative, holds an API key or a full phone number', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome({ env: { LOG_LEVEL: 'debug', SHUTDOWN__GRACE: '0' } });
  const first = await home.start();
  const { url } = first;
  const { phone } = await callDemo(home, first, CALLER);
  await pressAndHear(phone, '1');
  const ask = (apiKey: string, assistantId = home.assistantId) =>
    fetch(callUrl({ url, assistantId, apiKey, from: CALLER, callId: `sip:${CALLER}@pbx` }));
  const answers = [
    await ask(FORGED),
    await ask(home.apiKey, '987654321'),
    await ask(home.apiKey, 'no-number'),
    await fetch(`${url}/v1/talk/nobody/call/1?from=${CALLER}&x-api-key=${home.apiKey}`),
    await fetch(`${url}/v1/calls?x-api-key=${home.apiKey}&limit=none`),
    await fetch(`${url}/v1/calls`, { headers: { authorization: `Bearer ${FORGED}` } }),
    await fetch(`${url}/v1/calls/${home.apiKey}`, { headers: { 'x-api-key': home.apiKey } }),
  ];
  first.signal('SIGTERM');
  const ended = await first.end();
  const second = await home.start();

  expect(answers.map(({ status }) => status)).toEqual([401, 404, 422, 404, 422, 401, 404]);
  expect(first.logLines.length).toBeGreaterThan(8);
  const lines = [...first.logLines, ended.stderr, second.output];
  for (const secret of [home.apiKey, FORGED, home.apiKey.slice(4, 30), CALLER, CALLER.slice(1), '02079460018']) {
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  }
  // The first start shows the new key this once, in the words to try and nowhere in the log.
  expect(first.output).toContain(`${home.apiKey}   (shown this once`);
});
