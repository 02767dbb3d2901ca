import { AppError } from '../core/errors.ts';

const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const NAME = /;\s*name="([^"]*)"/i;

/**
 * The fields of a form (RFC 7578) whose bytes are all there, in order. Node's own parser, the one behind `fetch`, refuses
 * boundaries under 27 characters, which RFC 2046, 5.1.1 allows and clients use.
 * @throws AppError invalid_request for a form that is broken, invalid_parameters for one with a file.
 */
export function readMultipartForm(body: Uint8Array, contentType: string): [name: string, value: string][] {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw broken('content-type names no boundary');
  // One character a byte, so that positions are bytes; the line break lets the first delimiter look like all others.
  const text = `\r\n${Buffer.from(body).toString('latin1')}`;
  const [, ...parts] = text.split(`\r\n--${boundary}`);
  const end = parts.findIndex((part) => part.startsWith('--'));
  if (end < 0) throw broken('the last boundary is missing');
  return parts.slice(0, end).map(readField);
}

function readField(part: string): [name: string, value: string] {
  // Blanks may follow a boundary; the headers end with an empty line.
  const [, head, value] = /^[ \t]*\r\n((?:[^\r\n]+\r\n)*)\r\n([\s\S]*)$/.exec(part) ?? [];
  const disposition = head?.split('\r\n').find((line) => /^content-disposition:\s*form-data/i.test(line));
  const name = NAME.exec(disposition ?? '')?.[1];
  if (disposition === undefined || name === undefined || value === undefined) throw broken('a part has no name');
  if (/;\s*filename\*?=/i.test(disposition)) {
    const detail = `the part ${utf8(name).slice(0, 80)} is a file; only fields are taken`;
    throw new AppError('invalid_parameters', { detail });
  }
  return [utf8(name), utf8(value)];
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}

function broken(reason: string): AppError {
  return new AppError('invalid_request', { detail: `the multipart body cannot be read: ${reason}` });
}
