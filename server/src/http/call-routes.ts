import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import { type ContextId, parseAssistantId, parseContextId } from '../core/ids.ts';
import type { ApiKeyScope } from '../core/project/project.ts';
import { authorize, principalOf } from './authorize.ts';
import {
  type CallQueryString,
  callDetail,
  callPage,
  callQuery,
  DEFAULT_PAGE_SIZE,
  problemDocument,
} from './call-schemas.ts';
import { API_RATE_LIMIT } from './rate-limit.ts';
import { renderCall, renderDetail } from './render-call.ts';
import type { UseCases } from './use-cases.ts';

export type CallParts = {
  readonly useCases: Pick<UseCases, 'verifyApiKey' | 'listCalls' | 'getCall' | 'endCall'>;
};

const SCOPES: readonly ApiKeyScope[] = ['calls', 'admin'];
const contextParams = Type.Object({ contextId: Type.String() });

/** What a project's programs ask about calls, and how they end one. */
export function callRoutes(server: FastifyInstance, { useCases }: CallParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  app.decorateRequest('principal', null);
  const preValidation = async (request: FastifyRequest) => authorize(useCases, request, SCOPES);
  const config = { rateLimit: API_RATE_LIMIT };
  const common = { tags: ['calls'], security: [{ apiKey: [] }, { bearer: [] }] };
  const problems = { '4xx': problemDocument, '5xx': problemDocument };

  app.route({
    method: 'GET',
    config,
    preValidation,
    url: '/v1/calls',
    schema: {
      ...common,
      summary: 'Calls, newest first',
      querystring: callQuery,
      response: { 200: callPage, ...problems },
    },
    handler: async (request, reply) => {
      const { projectId } = principalOf(request);
      const page = await useCases.listCalls({ projectId, ...readQuery(request.query) });
      return reply.send({ calls: page.calls.map(renderCall), nextCursor: page.nextCursor });
    },
  });
  app.route({
    method: 'GET',
    config,
    preValidation,
    url: '/v1/calls/:contextId',
    schema: {
      ...common,
      summary: 'One call with its turns and events',
      params: contextParams,
      response: { 200: callDetail, ...problems },
    },
    handler: async (request, reply) => {
      const { projectId } = principalOf(request);
      const detail = await useCases.getCall(projectId, readContextId(request.params.contextId));
      if (detail === null) throw new AppError('context_not_found');
      return reply.send(renderDetail(detail));
    },
  });
  app.route({
    method: 'POST',
    config,
    preValidation,
    url: '/v1/calls/:contextId/end',
    schema: {
      ...common,
      summary: 'Ends a call, pending or live; again is fine',
      params: contextParams,
      response: { 202: Type.Object({ contextId: Type.String() }), ...problems },
    },
    handler: async (request, reply) => {
      const { projectId } = principalOf(request);
      const contextId = readContextId(request.params.contextId);
      await useCases.endCall(projectId, contextId);
      return reply.code(202).send({ contextId });
    },
  });
}

function readQuery({ limit = DEFAULT_PAGE_SIZE, cursor, status, assistantId }: CallQueryString) {
  const id = assistantId === undefined ? undefined : parseAssistantId(assistantId);
  if (id === null)
    throw new AppError('invalid_parameters', { detail: 'assistantId must be a decimal number up to 2^53-1' });
  return {
    limit,
    ...(cursor !== undefined && { cursor }),
    ...(status !== undefined && { status }),
    ...(id !== undefined && { assistantId: id }),
  };
}

function readContextId(text: string): ContextId {
  const contextId = parseContextId(text);
  if (contextId === null) throw new AppError('context_not_found', { detail: 'a context id is a UUID' });
  return contextId;
}
