import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/ports/clock.ts';
import { withDeadline } from './deadline.ts';
import type { UseCases } from './use-cases.ts';

/** The text that Prometheus reads. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export type HealthParts = {
  readonly useCases: Pick<UseCases, 'checkReadiness'>;
  readonly metrics: MetricsText;
  readonly clock: Clock;
};

const READINESS_LIMIT_MS = 1_000;
const OK = { status: 'ok' } as const;

/** What people, load balancers and Prometheus ask: is it there, is it alive, is it ready, what is it doing. */
export function healthRoutes(app: FastifyInstance, { useCases, metrics, clock }: HealthParts): void {
  const methods = ['GET', 'HEAD'];
  app.route({
    method: methods,
    url: '/',
    schema: { tags: ['health'], summary: 'A line of text: the server is there' },
    handler: (_, reply) => reply.type('text/plain; charset=utf-8').send('assistant-api is running. See /docs\n'),
  });
  app.route({
    method: methods,
    url: '/healthz',
    schema: { tags: ['health'], summary: 'The process answers' },
    handler: async () => OK,
  });
  app.route({
    method: methods,
    url: '/readiness',
    schema: { tags: ['health'], summary: 'Calls can be served; else a problem that says what is missing' },
    handler: async () => {
      await withDeadline(clock, READINESS_LIMIT_MS, useCases.checkReadiness());
      return OK;
    },
  });
  app.route({
    method: methods,
    url: '/metrics',
    schema: { tags: ['health'], summary: 'Metrics in the text format of Prometheus' },
    handler: async (_, reply) => reply.header('content-type', metrics.contentType).send(await metrics.text()),
  });
}
