import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { LIMITS } from './http-limits.ts';

/** What Node's parser found wrong with a request (nodejs.org, http: Event 'clientError'). */
export type ParserError = Error & { readonly code?: string | undefined; readonly rawPacket?: unknown };

/**
 * Answers a request that never became one, then closes. The body is empty for everybody, because the address is not known
 * for sure and one that may be Asterisk's must not get a body; the reason is in X-Error. Returns what was answered, null
 * when nobody is there to read it.
 */
export function answerClientError(error: ParserError, socket: Duplex): AppError | null {
  // An answer that is already under way cannot be followed by another one.
  const current = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
  if (!socket.writable || current?.headersSent || isGone(error)) {
    socket.destroy();
    return null;
  }
  const reason = parserAppError(error);
  answerRaw(socket, reason);
  return reason;
}

/** A whole answer with an empty body, on a socket that has no response object; the connection ends with it. */
export function answerRaw(socket: Duplex, error: AppError): void {
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Length: 0',
    `X-Error: ${error.code}: ${error.message.replace(/[^\x20-\x7e]/g, '?')}`,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy());
}

function isGone({ code }: ParserError): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'EPROTO' || (code?.startsWith('ERR_SSL') ?? false);
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

function parserAppError(error: ParserError): AppError {
  const code = CODES[error.code ?? ''] ?? 'invalid_request';
  if (code === 'headers_too_large' && isLongRequestLine(error.rawPacket)) return new AppError('uri_too_long');
  return new AppError(code, { detail: error.code ?? 'unreadable' });
}

/** Whether the address alone was too long. The packet is what came last: mostly the whole head, never more is known. */
function isLongRequestLine(packet: unknown): boolean {
  if (!(packet instanceof Uint8Array)) return false;
  const [line = ''] = Buffer.from(packet).toString('latin1').split('\r\n', 1);
  return /^[A-Z]+ /.test(line) && line.length > LIMITS.targetBytes;
}
