import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../core/errors.ts';
import type { Channel, WebhookAnswer } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import { errorAnswer } from './error-answer.ts';

/** Sends a document that a channel or we made, as it is. */
export function sendAnswer(reply: FastifyReply, answer: WebhookAnswer): FastifyReply {
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
}

export type ErrorSender = (request: FastifyRequest, reply: FastifyReply, error: AppError) => FastifyReply;

/** Logs an error and sends it in the form of whoever asks. */
export function errorSender(channels: readonly Channel[], log: EventLog): ErrorSender {
  return (request, reply, error) => {
    const fields = {
      code: error.code,
      status: error.status,
      method: request.method,
      route: request.routeOptions.url ?? null,
      detail: error.detail,
    };
    if (error.code === 'internal') log.error('http.failed', fields, error);
    // Scanners knock at thousands of addresses that are not there.
    else if (request.is404) log.debug('http.refused', fields);
    else log.info('http.refused', fields);
    // Some clients send on after a refusal; the rest of their request must not be read as another one.
    if (error.status === 413 || error.status === 408) reply.header('connection', 'close');
    return sendAnswer(reply, errorAnswer(error, request.raw.url ?? '/', channels));
  };
}
