import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mergeEnvironment, parseEnvFile, stripComment } from './env-file.ts';

const parsed = (text: string) => Object.fromEntries(parseEnvFile(text).values);

describe('a line of an env file', () => {
  test.each([
    ['SIP__SERVER=0.0.0.0           # Bind address (listen on all interfaces)', { SIP__SERVER: '0.0.0.0' }],
    ['PUBLIC_ASSISTANT_HOST=   # No https:// prefix', { PUBLIC_ASSISTANT_HOST: '' }],
    ['KEY=rpd-xxx#z', { KEY: 'rpd-xxx#z' }],
    ['KEY="a # b" # comment', { KEY: 'a # b' }],
    ["KEY='a \\n # b'", { KEY: 'a \\n # b' }],
    ['KEY="line\\nnext \\"quoted\\" \\\\"', { KEY: 'line\nnext "quoted" \\' }],
    ['  export KEY = value  ', { KEY: 'value' }],
    ['KEY=a=b=c', { KEY: 'a=b=c' }],
    ['KEY=', { KEY: '' }],
    ['KEY=1\nKEY=2', { KEY: '2' }],
    ['\uFEFFKEY=1\r\nOTHER=2\r\n', { KEY: '1', OTHER: '2' }],
    ['# KEY=1\n\n   \n', {}],
  ])('%j gives %j', (text, values) => {
    expect(parsed(text)).toEqual(values);
  });

  test('a quoted value may span lines, and the lines after it count on', () => {
    expect(parsed('PEM="-----BEGIN\nabc\n-----END" # key\nNEXT=1')).toEqual({
      PEM: '-----BEGIN\nabc\n-----END',
      NEXT: '1',
    });
  });

  test('what cannot be read is told by line and name, never by value', () => {
    expect(parseEnvFile('A=1\nhunter2\nB="hunter2\nC=3')).toEqual({
      values: new Map([
        ['A', '1'],
        ['C', '3'],
      ]),
      errors: ['line 2 is not NAME=value', 'line 3: the " before the value of B is not closed, or text follows it'],
    });
  });

  test('any text is read without throwing, and an unquoted value never keeps a comment', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('A', '=', '"', "'", '#', ' ', '\n', '\\') }), (text) => {
        parseEnvFile(text);
        expect(stripComment(text)).not.toMatch(/(^|\s)#/);
      }),
    );
  });
});

describe('where a setting comes from', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'env-file-'));
    mkdirSync(join(root, 'docker/assistant-api'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('the process wins over the first file, the first file over the second', () => {
    writeFileSync(join(root, '.assistant.env'), 'A=file1\nB=file1\n');
    writeFileSync(join(root, 'docker/assistant-api/.assistant.env'), 'A=file2\nB=file2\nC=file2\n');

    const { env, files, errors } = mergeEnvironment({ A: 'process' }, root);

    expect({ ...env }).toEqual({ A: 'process', B: 'file1', C: 'file2' });
    expect(files).toEqual(['.assistant.env', 'docker/assistant-api/.assistant.env']);
    expect(errors).toEqual([]);
  });

  test('an empty value in the process unsets the one in a file', () => {
    writeFileSync(join(root, '.assistant.env'), 'OPENAI_API_KEY=sk-1\n');

    expect(mergeEnvironment({ OPENAI_API_KEY: '' }, root).env['OPENAI_API_KEY']).toBe('');
  });

  test('no file at all is fine', () => {
    expect(mergeEnvironment({}, join(root, 'nowhere'))).toMatchObject({ files: [], errors: [] });
  });

  test('a file that cannot be read is an error, not silence', () => {
    mkdirSync(join(root, '.assistant.env'));

    expect(mergeEnvironment({}, root).errors).toEqual([
      expect.stringMatching(/\.assistant\.env cannot be read \(EISDIR\)/),
    ]);
  });
});
