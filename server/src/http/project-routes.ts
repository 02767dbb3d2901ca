import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import type { ApiKeyId } from '../core/ids.ts';
import { API_KEY_SCOPES, type ApiKey, type Project } from '../core/project/project.ts';
import { MAX_PAGE_SIZE } from './call-schemas.ts';
import {
  actorOf,
  createOnce,
  type ManagementRouteParts,
  managed,
  name,
  nullable,
  time,
  uuidParams,
} from './management-route.ts';

const project = Type.Object({ id: Type.String(), name: Type.String(), createdAt: time });
const apiKey = Type.Object({
  id: Type.String(),
  name: Type.String(),
  prefix: Type.String({ description: 'the first characters, to recognise it by' }),
  scopes: Type.Array(Type.Enum([...API_KEY_SCOPES])),
  isSealed: Type.Boolean({ description: 'SIP digest can use it' }),
  createdAt: time,
  expiresAt: nullable(time),
  revokedAt: nullable(time),
});
const shownOnce = nullable(
  Type.String({ description: 'the key itself, shown this once; null when the same request is repeated' }),
);
const auditEntry = Type.Object({
  id: Type.String(),
  apiKeyId: nullable(Type.String({ description: 'null: the command line' })),
  action: Type.String(),
  subject: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  createdAt: time,
});

/** The project itself: who may use it, and what was changed in it. */
export function projectRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'projects');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/project',
    schema: describe('The project of the key that asks', project),
    handler: async (request, reply) => reply.send(renderProject(await management.findOwnProject(actorOf(request)))),
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/projects',
    schema: {
      ...describe(
        'Makes a project that shares nothing with others, and its first key',
        Type.Object({ project, apiKey, key: shownOnce }),
        201,
      ),
      body: Type.Object({ name }),
    },
    handler: async (request, reply) => {
      const made = await createOnce(parts, request, reply, {
        newId: () => management.random.uuid(),
        create: async (id) => {
          const wish = { name: request.body.name, keyId: id as ApiKeyId };
          const made = await management.createProject(actorOf(request), wish);
          return { project: renderProject(made.project), apiKey: renderKey(made.apiKey), key: forOnce(made.key) };
        },
        remembered: (body) => ({ ...body, key: null }),
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'GET',
    url: '/v1/audit-log',
    schema: {
      ...describe(
        'What was changed by whom, newest first',
        Type.Object({ entries: Type.Array(auditEntry), nextCursor: nullable(Type.String()) }),
      ),
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE, default: 50 })),
        cursor: Type.Optional(Type.String({ maxLength: 32 })),
      }),
    },
    handler: async (request, reply) => {
      const { limit = 50, cursor } = request.query;
      const page = await management.listAudit(actorOf(request), { limit, ...(cursor !== undefined && { cursor }) });
      const entries = page.entries.map(({ projectId: _, createdAt, detail, ...rest }) => ({
        ...rest,
        detail: { ...detail },
        createdAt: createdAt.toISOString(),
      }));
      return reply.send({ entries, nextCursor: page.nextCursor });
    },
  });
  apiKeyRoutes(server, parts);
}

function apiKeyRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'api keys');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/api-keys',
    schema: describe(
      'The API keys of the project, without the keys themselves',
      Type.Object({ apiKeys: Type.Array(apiKey) }),
    ),
    handler: async (request, reply) => {
      const apiKeys = await management.listApiKeys(actorOf(request));
      return reply.send({ apiKeys: apiKeys.map(renderKey) });
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/api-keys',
    schema: {
      ...describe('Makes an API key', Type.Object({ apiKey, key: shownOnce }), 201),
      body: Type.Object({
        name,
        scopes: Type.Array(Type.Enum([...API_KEY_SCOPES]), { minItems: 1, maxItems: 3, uniqueItems: true }),
        isSealed: Type.Optional(Type.Boolean({ description: 'false: no encrypted copy, so SIP digest cannot use it' })),
        expiresAt: Type.Optional(time),
      }),
    },
    handler: async (request, reply) => {
      const { expiresAt, isSealed = true, ...rest } = request.body;
      const expiry = expiresAt === undefined ? {} : { expiresAt: readFuture(expiresAt) };
      const made = await createOnce(parts, request, reply, {
        newId: () => management.random.uuid(),
        create: async (id) => {
          const wish = { ...rest, ...expiry, isSealed, id: id as ApiKeyId };
          const made = await management.createApiKey(actorOf(request), wish);
          return { apiKey: renderKey(made.apiKey), key: forOnce(made.key) };
        },
        remembered: (body) => ({ ...body, key: null }),
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'DELETE',
    url: '/v1/api-keys/:id',
    schema: { ...describe('Revokes an API key, on all nodes within a second', Type.Null(), 204), params: uuidParams },
    handler: async (request, reply) => {
      await management.revokeApiKey(actorOf(request), request.params.id as ApiKeyId);
      return reply.code(204).send(null);
    },
  });
}

/** Shown this once: what is remembered of the answer has null in its place. */
function forOnce(key: string): string | null {
  return key;
}

function readFuture(text: string): Date {
  const date = new Date(text);
  if (date.getTime() > Date.now()) return date;
  throw new AppError('invalid_parameters', { detail: 'expiresAt must be a time to come' });
}

function renderProject({ id, name: shown, createdAt }: Project) {
  return { id, name: shown, createdAt: createdAt.toISOString() };
}

function renderKey({ projectId: _, createdAt, expiresAt, revokedAt, scopes, ...rest }: ApiKey) {
  return {
    ...rest,
    scopes: [...scopes],
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
