import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { WebhookRequest } from '../core/ports/channel.ts';
import { readMultipartForm } from './multipart-form.ts';

type Parameters = Record<string, string>;

/**
 * A carrier's request as channels read it: parameters of query and body merged, the body's winning, of repeated ones the
 * first. @throws AppError invalid_request (unreadable body), invalid_parameters (a form with files, JSON that is no object),
 * unsupported_media_type.
 */
export function readWebhookRequest(request: FastifyRequest): WebhookRequest {
  const rawTarget = request.raw.url ?? '/';
  const rawBody = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const headers = plainHeaders(request);
  const query = rawTarget.includes('?') ? rawTarget.slice(rawTarget.indexOf('?') + 1) : '';
  const parameters = firstValues(new URLSearchParams(query));
  return {
    method: request.method === 'POST' ? 'POST' : 'GET',
    rawTarget,
    headers,
    rawBody,
    parameters: Object.assign(parameters, bodyParameters(rawBody, headers['content-type'])),
    remoteAddress: request.ip,
  };
}

/** Header values as single strings; of those Node keeps as lists the first. */
export function plainHeaders(request: FastifyRequest): Record<string, string | undefined> {
  const entries = Object.entries(request.raw.headers);
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
}

/** The parameters of the query alone, of repeated ones the first. */
export function queryParameters(request: FastifyRequest): Parameters {
  const target = request.raw.url ?? '';
  return firstValues(new URLSearchParams(target.includes('?') ? target.slice(target.indexOf('?') + 1) : ''));
}

function bodyParameters(body: Uint8Array, contentType = ''): Parameters {
  if (body.length === 0) return noParameters();
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded')
    return firstValues(new URLSearchParams(Buffer.from(body).toString()));
  if (type === 'multipart/form-data') return firstValues(readMultipartForm(body, contentType));
  if (type === 'application/json' || type.endsWith('+json')) return readJson(body);
  throw new AppError('unsupported_media_type', {
    detail: `send a form or JSON${type === '' ? '; the body has no content-type' : `, not ${type.slice(0, 80)}`}`,
  });
}

function readJson(body: Uint8Array): Parameters {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('invalid_parameters', { detail: 'the JSON body must be an object' });
  }
  const parameters = noParameters();
  for (const [name, inner] of Object.entries(value)) {
    const text = asText(inner);
    if (text !== null) parameters[name] = text;
  }
  return parameters;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AppError('invalid_request', { detail: 'the body is not JSON', cause });
  }
}

/** A parameter is text: numbers as written in JSON, of a list the first value, an object as JSON again. */
function asText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return asText(value[0]);
  if (value === null || value === undefined) return null;
  return JSON.stringify(value);
}

function firstValues(pairs: Iterable<readonly [string, string]>): Parameters {
  const parameters = noParameters();
  for (const [name, value] of pairs) parameters[name] ??= value;
  return parameters;
}

/** Without a prototype: a parameter may be named `__proto__` or `constructor`. */
function noParameters(): Parameters {
  return Object.create(null) as Parameters;
}
