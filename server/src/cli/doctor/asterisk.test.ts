import { expect, test } from 'vitest';
import { judgeVersion } from './asterisk.ts';
import { judgeGlobals } from './asterisk-dialplan.ts';
import { judgeCodecs, judgeModules, readModules } from './asterisk-modules.ts';

const HOSTS = {
  publicHost: 'assistant.example.com',
  audioSocket: { host: '0.0.0.0', port: 4573, publicHost: 'audio.example.com' },
};
const RIGHT = {
  RAPIDA_API_KEY: 'rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD',
  RAPIDA_HOST: 'assistant.example.com',
  RAPIDA_AS_HOST: 'audio.example.com',
  RAPIDA_PORT: '4573',
  ASSISTANT_ID: '123456789',
};

test.each([
  ['13.38.3', 'fail'],
  ['16.28.0~dfsg-0+deb11u4', 'warn'],
  ['20.15.2', 'warn'],
  ['20.16.0', 'ok'],
  ['21.10.0', 'warn'],
  ['22.5.9', 'warn'],
  ['22.10.1+dfsg+~cs6.17.60671434-1', 'ok'],
  ['23.0.0', 'ok'],
  ['24.1', 'ok'],
  ['GIT-master-0a1b', 'ok'],
])('Asterisk %s is %s', (version, status) => {
  expect(judgeVersion(version).status).toBe(status);
});

test('a dialplan that fits is ok, and its key is not printed', () => {
  const findings = judgeGlobals(RIGHT, HOSTS);

  expect(findings).toEqual([
    { status: 'ok', text: 'RAPIDA_HOST = assistant.example.com, AudioSocket audio.example.com:4573' },
  ]);
});

test.each([
  [{ RAPIDA_API_KEY: 'rpd-xxx-your-api-key' }, 'fail', 'RAPIDA_API_KEY is no key of ours'],
  [{ RAPIDA_HOST: 'https://assistant.example.com' }, 'fail', 'is more than a host'],
  [{ RAPIDA_HOST: 'other.example.com' }, 'warn', 'PUBLIC_ASSISTANT_HOST here is assistant.example.com'],
  [{ RAPIDA_AS_HOST: 'audio.example.com:4573' }, 'fail', 'is more than a host'],
  [{ RAPIDA_PORT: '4574' }, 'warn', 'AUDIOSOCKET__PORT here is 4573'],
  [{ ASSISTANT_ID: 'demo' }, 'fail', 'ASSISTANT_ID = demo is no number'],
  [{ RAPIDA_PORT: null }, 'warn', 'RAPIDA_PORT is not set'],
] as const)('%j is told', (wrong, status, text) => {
  const [finding] = judgeGlobals({ ...RIGHT, ...wrong }, HOSTS);

  expect(finding?.status).toBe(status);
  expect(finding?.text).toContain(text);
  expect(finding?.advice).not.toBe('');
});

test('a module that is loaded but does not run is told from one that is not loaded', () => {
  const states = readModules([{ name: 'codec_ulaw.so', status: 'Not Running' }]);

  expect(judgeCodecs(states)[0]).toMatchObject({
    status: 'fail',
    text: 'μ-law phones and trunks: codec_ulaw.so is loaded, but "Not Running"',
  });
  expect(judgeCodecs(states)[1]?.text).toContain('codec_alaw.so is not loaded');
});

test('an answer that is none names every purpose', () => {
  expect(judgeModules(readModules('nonsense')).filter(({ status }) => status === 'fail')).toHaveLength(4);
});
