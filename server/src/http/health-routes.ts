import type { FastifyInstance, FastifyReply } from 'fastify';
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
  /** Told with every answer about readiness, so that whoever comes by the public name knows whom they reached. */
  readonly installation?: string | undefined;
};

const READINESS_LIMIT_MS = 1_000;
const OK = { status: 'ok' } as const;

/** What people, load balancers and Prometheus ask: is it there, is it alive, is it ready, what is it doing. */
export function healthRoutes(app: FastifyInstance, { useCases, metrics, clock, installation }: HealthParts): void {
  page(app, '/', 'A line of text: the server is there', (reply) =>
    reply.type('text/plain; charset=utf-8').send('assistant-api is running. See /docs\n'),
  );
  page(app, '/healthz', 'The process answers', (reply) => reply.send(OK));
  page(app, '/readiness', 'Calls can be served; else a problem that says what is missing', async (reply) => {
    if (installation !== undefined) reply.header('x-installation', installation);
    await withDeadline(clock, READINESS_LIMIT_MS, useCases.checkReadiness());
    return reply.send(OK);
  });
  page(app, '/metrics', 'Metrics in the text format of Prometheus', async (reply) =>
    reply.header('content-type', metrics.contentType).send(await metrics.text()),
  );
}

type Page = (reply: FastifyReply) => FastifyReply | Promise<FastifyReply>;

/** GET, and HEAD without a line of its own in the description. */
function page(app: FastifyInstance, url: string, summary: string, answer: Page): void {
  const handler = (_: unknown, reply: FastifyReply) => answer(reply);
  app.route({ method: 'GET', url, schema: { tags: ['health'], summary }, handler });
  app.route({ method: 'HEAD', url, schema: { hide: true }, handler });
}
