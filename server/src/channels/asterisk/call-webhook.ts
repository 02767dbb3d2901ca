import type { CallContext } from '../../core/call/call-context.ts';
import { normaliseCaller } from '../../core/call/caller-number.ts';
import type { AppError } from '../../core/errors.ts';
import type { CallWebhook, IncomingCall, WebhookAnswer, WebhookRequest } from '../../core/ports/channel.ts';

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' } as const;

/**
 * Phase 1 for Asterisk's CURL(): the bare UUID or nothing. CURL() hands the dialplan the body whatever the status, and the
 * manual's dialplan tells an error by the empty string (func_curl.c; seen with Asterisk 22.10).
 */
export const asteriskCallWebhook: CallWebhook & Required<Pick<CallWebhook, 'refuse'>> = { read, answer, refuse };

function read(request: WebhookRequest): IncomingCall {
  const { from, to, id } = request.parameters;
  return {
    from: normaliseCaller(from),
    to: normaliseCaller(to),
    providerCallId: id?.trim() || null,
    metadata: {},
  };
}

function answer(context: CallContext): WebhookAnswer {
  return { status: 200, headers: PLAIN, body: context.contextId };
}

function refuse(error: AppError): WebhookAnswer {
  const retryAfter = error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) };
  return { status: error.status, headers: { ...PLAIN, 'x-error': headerSafe(error), ...retryAfter }, body: '' };
}

function headerSafe(error: AppError): string {
  return `${error.code}: ${error.message}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}
