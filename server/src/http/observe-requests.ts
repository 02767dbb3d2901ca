import type { FastifyInstance } from 'fastify';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';

/** Counts and times requests by route, never by address: addresses hold ids and keys. */
export function observeRequests(app: FastifyInstance, { log, metrics }: { log: EventLog; metrics: Metrics }): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const { method } = request;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    metrics.count('http_requests_total', { method, route, status: String(status) });
    metrics.observe('http_request_seconds', durationMs / 1000, { route });
    log.debug('http.request', { method, route, status, durationMs: Math.round(durationMs) });
  });
}
