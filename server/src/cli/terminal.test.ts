import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Field } from '../core/form/field.ts';
import { Prompt } from './terminal.ts';

const token: Field = { key: 'token', help: 'The token.', isSecret: true, isRequired: true };
const pem: Field = { key: 'private_key', help: 'The key.', isSecret: true, isMultiline: true };

function screen() {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => void modes.push(isRaw),
  });
  const output = new PassThrough();
  return { terminal: { input, output }, input, modes, text: () => String(output.read() ?? '') };
}

test('a secret is read without being echoed, with corrections', async () => {
  const { terminal, input, modes, text } = screen();
  using prompt = new Prompt(terminal);

  const answer = prompt.ask(token);
  input.write('hunter3\u007f2\r');

  expect(await answer).toBe('hunter2');
  expect(modes).toEqual([true]);
  expect(text()).not.toContain('hunter');
});

test('a private key ends with its last line, whatever follows', async () => {
  const { terminal, input } = screen();
  using prompt = new Prompt(terminal);
  input.write('-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nnext\n');

  expect(await prompt.ask(pem)).toBe('-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----');
  expect(await prompt.ask(token)).toBe('next');
});

test('a pipe answers line by line, and what it does not say stays empty', async () => {
  const input = new PassThrough();
  using prompt = new Prompt({ input, output: new PassThrough() });
  input.end('one\r\ntwo');

  expect([await prompt.ask(token), await prompt.ask(token), await prompt.ask(token)]).toEqual(['one', 'two', '']);
});

test('Ctrl-C keeps nothing', async () => {
  const { terminal, input } = screen();
  using prompt = new Prompt(terminal);

  const answer = prompt.ask(token);
  input.write('half\u0003');

  await expect(answer).rejects.toMatchObject({ code: 'invalid_request' });
});
