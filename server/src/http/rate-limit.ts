import { createHash } from 'node:crypto';
import type { RateLimitPluginOptions } from '@fastify/rate-limit';
import { AppError } from '../core/errors.ts';
import { requestKey } from './authorize.ts';

/** Pages of calls cost the database something; webhooks are never limited: a carrier that is turned away loses a call. */
export const API_RATE_LIMIT = { max: 600, timeWindow: 60_000 } as const;

/** Counts by API key, or by address where there is none; the key itself is not kept. */
export const rateLimitOptions: RateLimitPluginOptions = {
  global: false,
  keyGenerator: (request) => {
    const key = requestKey(request);
    return key === null ? request.ip : createHash('sha256').update(key).digest('base64');
  },
  errorResponseBuilder: (_request, { max, ttl }) =>
    new AppError('rate_limited', {
      detail: `at most ${max} requests a minute`,
      retryAfterSeconds: Math.ceil(ttl / 1000),
    }),
};
