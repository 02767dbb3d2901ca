import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Credential } from '../core/credential/credential.ts';
import { COMMON_SETTINGS } from '../core/deployment/deployment.ts';
import type { Field } from '../core/form/field.ts';
import type { CredentialId } from '../core/ids.ts';
import { actorOf, createOnce, type ManagementRouteParts, managed, name, time, uuidParams } from './management-route.ts';

const values = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown());
const credential = Type.Object({
  id: Type.String(),
  provider: Type.String(),
  name: Type.String(),
  values: Type.Record(Type.String(), Type.Unknown(), {
    description: 'what is public as it is, of secrets the last four characters',
  }),
  createdAt: time,
  updatedAt: time,
});
const verdict = Type.Object({
  isAccepted: Type.Union([Type.Boolean(), Type.Null()], { description: 'null where there is nobody to ask' }),
  detail: Type.String({ description: 'who the carrier says this is, or what it refused' }),
});
const field = Type.Object({
  key: Type.String(),
  help: Type.String(),
  type: Type.String({ description: 'text, integer or list' }),
  isRequired: Type.Boolean(),
  isSecret: Type.Boolean(),
  isMultiline: Type.Boolean(),
  choices: Type.Optional(Type.Array(Type.String())),
});
const forms = Type.Object({
  credentials: Type.Array(Type.Object({ provider: Type.String(), title: Type.String(), fields: Type.Array(field) })),
  deploymentSettings: Type.Record(Type.String(), Type.Array(field), { description: 'by channel' }),
});

/** Accounts of carriers and vendors: secrets go in and never come out. */
export function credentialRoutes(server: FastifyInstance, parts: ManagementRouteParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { management } = parts;
  const { describe, ...common } = managed(parts, 'credentials');

  app.route({
    ...common,
    method: 'GET',
    url: '/v1/forms',
    schema: describe('What credentials and deployments take: what a form is drawn from', forms),
    handler: async (_request, reply) =>
      reply.send({
        credentials: management.credentialSchemas.map(({ provider, title, fields }) => ({
          provider,
          title,
          fields: fields.map(renderField),
        })),
        deploymentSettings: Object.fromEntries(
          Object.entries(management.settingsSchemas).map(([channel, fields]) => [
            channel,
            [...COMMON_SETTINGS, ...(fields ?? [])].map(renderField),
          ]),
        ),
      }),
  });
  app.route({
    ...common,
    method: 'GET',
    url: '/v1/credentials',
    schema: describe('The credentials of the project', Type.Object({ credentials: Type.Array(credential) })),
    handler: async (request, reply) => {
      const credentials = await management.listCredentials(actorOf(request));
      return reply.send({ credentials: credentials.map(render) });
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/credentials',
    schema: {
      ...describe('Keeps a credential, sealed', credential, 201),
      body: Type.Object({ provider: Type.String({ maxLength: 64 }), name, values }),
    },
    handler: async (request, reply) => {
      const { body } = request;
      const made = await createOnce(parts, request, reply, {
        newId: () => management.random.uuid(),
        create: async (id) => {
          const wish = { ...body, id: id as CredentialId };
          return render(await management.createCredential(actorOf(request), wish));
        },
      });
      return reply.code(201).send(made);
    },
  });
  app.route({
    ...common,
    method: 'PATCH',
    url: '/v1/credentials/:id',
    schema: {
      ...describe('Changes the name or some values; null takes one away', credential),
      params: uuidParams,
      body: Type.Object({ name: Type.Optional(name), values: Type.Optional(values) }),
    },
    handler: async (request, reply) => {
      const id = request.params.id as CredentialId;
      return reply.send(render(await management.updateCredential(actorOf(request), id, request.body)));
    },
  });
  app.route({
    ...common,
    method: 'POST',
    url: '/v1/credentials/:id/verify',
    schema: { ...describe('Asks the carrier, now, whether it takes the account', verdict), params: uuidParams },
    handler: async (request, reply) =>
      reply.send(await management.verifyCredential(actorOf(request), request.params.id as CredentialId)),
  });
  app.route({
    ...common,
    method: 'DELETE',
    url: '/v1/credentials/:id',
    schema: { ...describe('Removes a credential that no deployment uses', Type.Null(), 204), params: uuidParams },
    handler: async (request, reply) => {
      await management.removeCredential(actorOf(request), request.params.id as CredentialId);
      return reply.code(204).send(null);
    },
  });
}

function render({ id, provider, name: shown, shown: shownValues, createdAt, updatedAt }: Credential) {
  return {
    id,
    provider,
    name: shown,
    values: { ...shownValues },
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

function renderField({ key, help, type, isRequired, isSecret, isMultiline, choices }: Field) {
  return {
    key,
    help,
    type: type ?? 'text',
    isRequired: isRequired ?? false,
    isSecret: isSecret ?? false,
    isMultiline: isMultiline ?? false,
    ...(choices && { choices: [...choices] }),
  };
}
