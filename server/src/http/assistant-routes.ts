import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Assistant } from '../core/assistant/assistant.ts';
import { type AssistantId, newAssistantId } from '../core/ids.ts';
import { assistantSettings, readSettings } from './assistant-settings-schema.ts';
import {
  actorOf,
  createOnce,
  decimalParams,
  type ManagementRouteParts,
  managed,
  name,
  nullable,
  time,
} from './management-route.ts';

const version = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 });
const maxConcurrentCalls = nullable(
  Type.Integer({ minimum: 1, maximum: 100_000, description: 'incoming calls open at once; null: as many as come' }),
);
const assistant = Type.Object({
  id: Type.String(),
  name: Type.String(),
  publishedVersion: version,
  maxConcurrentCalls,
  createdAt: time,
});
const versionEntry = Type.Object({ version, createdAt: time });
const versionDetail = Type.Object({
  assistantId: Type.String(),
  version,
  createdAt: time,
  settings: Type.Record(Type.String(), Type.Unknown()),
});

/** Assistants: versions that never change, of which one is what new calls get. */
export function assistantRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'assistants');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/assistants',
    schema: describe('The assistants of the project', Type.Object({ assistants: Type.Array(assistant) })),
    handler: async (request, reply) => {
      const assistants = await management.listAssistants(actorOf(request));
      return reply.send({ assistants: assistants.map(render) });
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/assistants',
    schema: {
      ...describe('Makes an assistant; its settings are version 1, published', assistant, 201),
      body: Type.Object({ name, settings: assistantSettings }),
    },
    handler: async (request, reply) => {
      const { body } = request;
      const made = await createOnce(parts, request, reply, {
        newId: () => newAssistantId(management.random),
        create: async (id) => {
          const wish = { id: id as AssistantId, name: body.name, settings: readSettings(body.settings) };
          return render(await management.createAssistant(actorOf(request), wish));
        },
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'GET',
    url: '/v1/assistants/:id',
    schema: { ...describe('One assistant', assistant), params: decimalParams },
    handler: async (request, reply) =>
      reply.send(render(await management.findAssistant(actorOf(request), request.params.id as AssistantId))),
  });
  app.route({
    ...common,
    method: 'PATCH',
    url: '/v1/assistants/:id',
    schema: {
      ...describe('Renames an assistant, or limits its calls', assistant),
      params: decimalParams,
      body: Type.Object({ name: Type.Optional(name), maxConcurrentCalls: Type.Optional(maxConcurrentCalls) }),
    },
    handler: async (request, reply) => {
      const id = request.params.id as AssistantId;
      return reply.send(render(await management.changeAssistant(actorOf(request), id, request.body)));
    },
  });
  versionRoutes(server, parts);
}

function versionRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'assistants');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/assistants/:id/versions',
    schema: {
      ...describe('The versions of an assistant, oldest first', Type.Object({ versions: Type.Array(versionEntry) })),
      params: decimalParams,
    },
    handler: async (request, reply) => {
      const versions = await management.listVersions(actorOf(request), request.params.id as AssistantId);
      return reply.send({
        versions: versions.map((each) => ({ version: each.version, createdAt: each.createdAt.toISOString() })),
      });
    },
  });
  app.route({
    ...common,
    method: 'GET',
    url: '/v1/assistants/:id/versions/:version',
    schema: {
      ...describe('One version with its settings', versionDetail),
      params: Type.Object({ ...decimalParams.properties, version }),
    },
    handler: async (request, reply) => {
      const { id, version: number } = request.params;
      return reply.send(renderVersion(await management.findVersion(actorOf(request), id as AssistantId, number)));
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/assistants/:id/versions',
    schema: {
      ...describe('Adds a version, and publishes it unless told otherwise', versionDetail, 201),
      params: decimalParams,
      body: Type.Object({ settings: assistantSettings, isPublished: Type.Optional(Type.Boolean()) }),
    },
    handler: async (request, reply) => {
      const { params, body } = request;
      const wish = { settings: readSettings(body.settings), isPublished: body.isPublished ?? true };
      const made = await createOnce(parts, request, reply, {
        newId: () => management.random.uuid(),
        create: async () =>
          renderVersion(await management.addVersion(actorOf(request), params.id as AssistantId, wish)),
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/assistants/:id/publish',
    schema: {
      ...describe('Gives new calls this version; an older one rolls back', assistant),
      params: decimalParams,
      body: Type.Object({ version }),
    },
    handler: async (request, reply) => {
      const id = request.params.id as AssistantId;
      return reply.send(render(await management.publishVersion(actorOf(request), id, request.body.version)));
    },
  });
}

function render({ id, name: shown, publishedVersion, maxConcurrentCalls: limit, createdAt }: Assistant) {
  return { id, name: shown, publishedVersion, maxConcurrentCalls: limit, createdAt: createdAt.toISOString() };
}

type Version = { assistantId: string; version: number; createdAt: Date; settings: object };

function renderVersion({ assistantId, version: number, createdAt, settings }: Version) {
  return { assistantId, version: number, createdAt: createdAt.toISOString(), settings: { ...settings } };
}
