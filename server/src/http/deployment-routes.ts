import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Deployment } from '../core/deployment/deployment.ts';
import type { AssistantId, CredentialId, DeploymentId } from '../core/ids.ts';
import type { DeploymentUpdate } from '../management/deployments.ts';
import {
  actorOf,
  createOnce,
  decimalId,
  type ManagementRouteParts,
  managed,
  name,
  nullable,
  time,
  uuidParams,
} from './management-route.ts';

const number = nullable(Type.String({ maxLength: 128, description: 'the number or route; null: any' }));
const credentialId = nullable(Type.String({ format: 'uuid' }));
const settings = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown());
const deployment = Type.Object({
  id: Type.String(),
  assistantId: Type.String(),
  channel: Type.String(),
  name: Type.String(),
  number: nullable(Type.String()),
  credentialId: nullable(Type.String()),
  settings,
  isEnabled: Type.Boolean(),
  createdAt: time,
  updatedAt: time,
});
const changeable = Type.Object({
  name: Type.Optional(name),
  number: Type.Optional(number),
  credentialId: Type.Optional(credentialId),
  settings: Type.Optional(settings),
  isEnabled: Type.Optional(Type.Boolean()),
});

/** Which assistant is on which line. */
export function deploymentRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'deployments');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/deployments',
    schema: describe('The deployments of the project', Type.Object({ deployments: Type.Array(deployment) })),
    handler: async (request, reply) => {
      const deployments = await management.listDeployments(actorOf(request));
      return reply.send({ deployments: deployments.map(render) });
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/deployments',
    schema: {
      ...describe('Puts an assistant on a line', deployment, 201),
      body: Type.Object({ ...changeable.properties, name, assistantId: decimalId, channel: Type.String() }),
    },
    handler: async (request, reply) => {
      const { assistantId, channel, ...rest } = request.body;
      const made = await createOnce(parts, request, reply, {
        newId: () => management.random.uuid(),
        create: async (id) => {
          const ids = { id: id as DeploymentId, assistantId: assistantId as AssistantId };
          const wish = { ...readChange(rest), ...ids, channel, name: rest.name };
          return render(await management.createDeployment(actorOf(request), wish));
        },
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'PATCH',
    url: '/v1/deployments/:id',
    schema: {
      ...describe('Changes what is mentioned; settings all at once', deployment),
      params: uuidParams,
      body: changeable,
    },
    handler: async (request, reply) => {
      const id = request.params.id as DeploymentId;
      const change = readChange(request.body);
      return reply.send(render(await management.updateDeployment(actorOf(request), id, change)));
    },
  });
  app.route({
    ...common,
    method: 'DELETE',
    url: '/v1/deployments/:id',
    schema: { ...describe('Takes an assistant off a line', Type.Null(), 204), params: uuidParams },
    handler: async (request, reply) => {
      await management.removeDeployment(actorOf(request), request.params.id as DeploymentId);
      return reply.code(204).send(null);
    },
  });
}

type GivenChange = Omit<DeploymentUpdate, 'credentialId'> & { readonly credentialId?: string | null };

function readChange({ credentialId: id, ...rest }: GivenChange): DeploymentUpdate {
  return id === undefined ? rest : { ...rest, credentialId: id as CredentialId | null };
}

function render({ projectId: _, createdAt, updatedAt, settings: held, ...rest }: Deployment) {
  return {
    ...rest,
    settings: { ...held },
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
