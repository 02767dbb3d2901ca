import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { readMultipartForm } from './multipart-form.ts';

const read = (text: string, type = 'multipart/form-data; boundary=x') => readMultipartForm(Buffer.from(text), type);
const field = (name: string, value: string) =>
  `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

test('fields come in order, with line breaks and other alphabets in them', () => {
  expect(read(`${field('from', '+49')}${field('note', 'a\r\nb\r\n\r\nü')}--x--\r\n`)).toEqual([
    ['from', '+49'],
    ['note', 'a\r\nb\r\n\r\nü'],
  ]);
});

test('what stands before the first and after the last boundary is no part', () => {
  expect(read(`hello\r\n${field('a', '1')}--x--\r\nbye`)).toEqual([['a', '1']]);
});

test('a quoted boundary, other headers and an empty value are fine', () => {
  const text = '--a b\r\nContent-Type: text/plain\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n--a b--';

  expect(read(text, 'multipart/form-data; charset=utf-8; boundary="a b"')).toEqual([['a', '']]);
});

test('a form without a field is an empty form', () => {
  expect(read('--x--')).toEqual([]);
});

test.each([
  ['', 'multipart/form-data; boundary=x'],
  [`${field('a', '1')}`, 'multipart/form-data; boundary=x'],
  ['--x\r\n\r\nvalue\r\n--x--', 'multipart/form-data; boundary=x'],
  ['--x\r\nContent-Disposition: form-data; name="a"\r\nvalue\r\n--x--', 'multipart/form-data; boundary=x'],
  [`${field('a', '1')}--x--`, 'multipart/form-data'],
])('%j with %s cannot be read', (text, type) => {
  expect(() => read(text, type)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
});

test('a file is refused by name', () => {
  const text = '--x\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\nx\r\n--x--';

  expect(() => read(text)).toThrow('the part photo is a file; only fields are taken');
});

test('what `fetch` writes is read back, whatever the text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: 'binary' }).map((text) => text.toWellFormed().replace(/\r\n?|\n/g, '')),
        { maxLength: 5 },
      ),
      async (values) => {
        const form = new FormData();
        for (const [index, value] of values.entries()) form.append(`f${index}`, value);
        const response = new Response(form);
        const type = response.headers.get('content-type') ?? '';

        const fields = readMultipartForm(await response.bytes(), type);

        expect(fields).toEqual(values.map((value, index) => [`f${index}`, value]));
      },
    ),
  );
});

test('any bytes are a form or an AppError', () => {
  const letters = fc.string({
    unit: fc.constantFrom('--x', '--', '\r\n', ':', 'Content-Disposition: form-data; name="a"', ';', 'b'),
  });
  fc.assert(
    fc.property(letters, (text) => {
      try {
        read(text);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    }),
  );
});
