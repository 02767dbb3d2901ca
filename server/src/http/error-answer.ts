import type { AppError } from '../core/errors.ts';
import { errorTable } from '../core/errors.ts';
import type { Channel, WebhookAnswer } from '../core/ports/channel.ts';
import { requestPath } from './request-path.ts';

/**
 * An error as the asker can bear it: what lies under a channel's phase-1 address gets that channel's form (Asterisk's
 * dialplan reads any body as success), everything else a problem document (RFC 9457).
 */
export function errorAnswer(error: AppError, rawUrl: string, channels: readonly Channel[]): WebhookAnswer {
  const webhook = channels.find((channel) => channel.webhook && isUnderCallAddress(rawUrl, channel.name))?.webhook;
  return webhook?.refuse?.(error) ?? problem(error);
}

/** RFC 9457. The detail is left out of what we did not foresee: nobody looked at what it says. */
export function problem(error: AppError): WebhookAnswer {
  const { code, status, detail, retryAfterSeconds } = error;
  const body = {
    type: `/docs#${code}`,
    title: errorTable()[code].message,
    status,
    code,
    ...(detail !== undefined && code !== 'internal' && { detail }),
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: JSON.stringify(body),
  };
}

/** By the raw address, which may not even decode; slashes may be doubled and letters of any case, as typed in a dialplan. */
function isUnderCallAddress(rawUrl: string, name: string): boolean {
  return `${requestPath(rawUrl).toLowerCase()}/`.startsWith(`/v1/talk/${name}/call/`);
}
