import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { repositoryFolder } from '../cache-folder.ts';
import { writeConfigFiles } from './config-files.ts';

const VALUES = Object.fromEntries(
  [
    ...['RUN', 'MODULES', 'DATA', 'BIND', 'HTTP_PORT', 'SIP_PORT', 'RTP_START', 'RTP_END', 'ARI_USER', 'ARI_PASSWORD'],
    ...['PHONE_PASSWORD', 'RAPIDA_HOST', 'RAPIDA_AS_HOST', 'RAPIDA_PORT', 'RAPIDA_SIP', 'RAPIDA_SIP_HOST'],
    ...['RAPIDA_API_KEY', 'ASSISTANT_ID'],
  ].map((name) => [name, `value-of-${name}`]),
);

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

describe("Asterisk's configuration", () => {
  test('the dialplan is the one of the documentation, line for line, but for http', async () => {
    const documented = await documentedDialplan();
    const written = await writtenFile('extensions.conf');

    expect(written).toContain(documented.replace('CURL(https://', 'CURL(http://'));
  });

  test('addresses and keys are filled in', async () => {
    expect(await writtenFile('extensions.conf')).toContain('RAPIDA_API_KEY = value-of-RAPIDA_API_KEY');
    expect(await writtenFile('http.conf')).toContain('bindport=value-of-HTTP_PORT');
  });

  test('a name without a value is told with the file it stands in', async () => {
    const { RTP_END: _left, ...rest } = VALUES;

    await expect(writeConfigFiles(await newFolder(), rest)).rejects.toThrow('rtp.conf needs a value for @RTP_END@');
  });
});

async function writtenFile(name: string): Promise<string> {
  const folder = await newFolder();
  await writeConfigFiles(folder, VALUES);
  return readFile(join(folder, 'etc', name), 'utf8');
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'asterisk-config-'));
  folders.push(folder);
  return folder;
}

/** The context [rapida-inbound] of docs/channels/asterisk.md. */
async function documentedDialplan(): Promise<string> {
  const page = await readFile(join(repositoryFolder(), 'docs/channels/asterisk.md'), 'utf8');
  const start = page.indexOf('[rapida-inbound]');
  return page.slice(start, page.indexOf('```', start)).trimEnd();
}
