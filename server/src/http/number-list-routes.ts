import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { NumberListEntryId } from '../core/ids.ts';
import { NUMBER_LISTS, type NumberListEntry } from '../core/number-list/number-list.ts';
import { actorOf, createOnce, type ManagementRouteParts, managed, nullable, time } from './management-route.ts';

const list = Type.Enum([...NUMBER_LISTS]);
const entry = Type.Object({ id: Type.String(), number: Type.String(), note: Type.String(), createdAt: time });
const page = Type.Object({ entries: Type.Array(entry), nextCursor: nullable(Type.String()) });

/** Numbers that are not called, and callers that are not served. Numbers are in bodies only: addresses end up in logs. */
export function numberListRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'number-lists');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/number-lists/:list',
    schema: {
      ...describe('The numbers of a list, newest first', page),
      params: Type.Object({ list }),
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
        cursor: Type.Optional(Type.String({ maxLength: 64 })),
      }),
    },
    handler: async (request, reply) => {
      const { limit = 50, cursor } = request.query;
      const wish = { list: request.params.list, limit, ...(cursor !== undefined && { cursor }) };
      const { entries, nextCursor } = await management.listNumbers(actorOf(request), wish);
      return reply.send({ entries: entries.map(render), nextCursor });
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/number-lists/:list',
    schema: {
      ...describe('Puts a number on a list', entry, 201),
      params: Type.Object({ list }),
      body: Type.Object({
        number: Type.String({ minLength: 1, maxLength: 128 }),
        note: Type.Optional(Type.String({ maxLength: 500 })),
      }),
    },
    handler: async (request, reply) => {
      const { params, body } = request;
      const made = await createOnce(parts, request, reply, {
        newId: () => management.random.uuid(),
        create: async (id) => {
          const wish = { id: id as NumberListEntryId, list: params.list, number: body.number, note: body.note ?? '' };
          return render(await management.addListedNumber(actorOf(request), wish));
        },
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'DELETE',
    url: '/v1/number-lists/:list/:id',
    schema: {
      ...describe('Takes a number off a list', Type.Null(), 204),
      params: Type.Object({ list, id: Type.String({ format: 'uuid' }) }),
    },
    handler: async (request, reply) => {
      const { list: from, id } = request.params;
      await management.removeListedNumber(actorOf(request), from, id as NumberListEntryId);
      return reply.code(204).send(null);
    },
  });
}

function render({ id, number, note, createdAt }: NumberListEntry) {
  return { id, number, note, createdAt: createdAt.toISOString() };
}
