import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { errorTable } from '../core/errors.ts';
import { type ApiDocument, docsPage } from './docs-page.ts';

/** Gathers the routes' schemas into an OpenAPI 3.1 document. Must be registered before the routes. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'assistant-api', version: '1', description: 'Phone calls answered and held by an assistant.' },
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
    },
  });
}
/** The description for programs, and a page of it for people, without a script or anything from elsewhere. */
export function docsRoutes(app: FastifyInstance): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/openapi.json',
    schema: { hide: true },
    handler: (_, reply) => reply.send(app.swagger()),
  });
  app.route({
    method: ['GET', 'HEAD'],
    url: '/docs',
    schema: { hide: true },
    handler: (_, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
        .header('x-content-type-options', 'nosniff')
        .send(docsPage(app.swagger() as ApiDocument, errorTable())),
  });
}
