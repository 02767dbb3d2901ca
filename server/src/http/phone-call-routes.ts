import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { PhoneCallWish } from '../calls/create-phone-call.ts';
import { CALL_STATUSES, CHANNEL_NAMES } from '../core/call/call.ts';
import type { AssistantId, ContextId, DeploymentId } from '../core/ids.ts';
import { principalOf } from './authorize.ts';
import { createOnce, decimalId, type ManagementRouteParts, managed, nullable } from './management-route.ts';
import type { UseCases } from './use-cases.ts';

export type PhoneCallParts = ManagementRouteParts & { readonly useCases: Pick<UseCases, 'createPhoneCall'> };

const DEFAULT_RING_SECONDS = 45;
const DEFAULT_DURATION_SECONDS = 1_800;

const MACHINE_DETECTION = ['off', 'record', 'hangup'] as const;

const facts = Type.Record(Type.String({ maxLength: 128 }), Type.Unknown());
const phoneNumber = Type.String({ minLength: 1, maxLength: 128 });
const machineDetection = Type.Union([Type.Enum([...MACHINE_DETECTION]), Type.Boolean()], {
  description: 'whether a machine answered: an event of the call (record), or its end too (hangup, or true)',
});
const wish = Type.Object(
  {
    assistant: Type.Object({
      assistantId: decimalId,
      version: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
    }),
    toNumber: phoneNumber,
    fromNumber: Type.Optional(phoneNumber),
    metadata: Type.Optional(facts),
    args: Type.Optional(facts),
    options: Type.Optional(
      Type.Object({
        channel: Type.Optional(Type.Enum([...CHANNEL_NAMES])),
        deploymentId: Type.Optional(Type.String({ format: 'uuid' })),
        ringTimeoutSeconds: Type.Optional(Type.Integer({ minimum: 5, maximum: 600, default: DEFAULT_RING_SECONDS })),
        maxDurationSeconds: Type.Optional(
          Type.Integer({ minimum: 10, maximum: 86_400, default: DEFAULT_DURATION_SECONDS }),
        ),
        machineDetection: Type.Optional(machineDetection),
      }),
    ),
  },
  { description: 'names may be written in snake_case, too' },
);

const answer = Type.Object({
  code: Type.Integer(),
  success: Type.Boolean(),
  data: Type.Object({
    id: Type.String({ description: 'the conversation' }),
    contextId: Type.String(),
    callId: nullable(Type.String({ description: "the carrier's id; null until it has the call" })),
    status: Type.Enum([...CALL_STATUSES]),
  }),
});

/** Calls that we place. */
export function phoneCallRoutes(server: FastifyInstance, parts: PhoneCallParts): void {
  const app = server.withTypeProvider<TypeBoxTypeProvider>();
  const { describe, preValidation: authorized, config } = managed(parts, 'talk', ['calls', 'admin']);
  const preValidation = async (request: FastifyRequest) => {
    await authorized(request);
    request.body = toCamelCase(request.body);
  };
  app.route({
    config,
    method: 'POST',
    url: '/v1/talk/create-phone-call',
    preValidation,
    schema: {
      ...describe('Places a call: queued now, dialled at once or when the limits allow', answer, 202),
      body: wish,
    },
    handler: async (request, reply) => {
      const made = await createOnce(parts, request, reply, {
        newId: () => parts.management.random.uuid(),
        create: async (id) => {
          const context = await parts.useCases.createPhoneCall(readWish(request, request.body, id as ContextId));
          const { conversationId, contextId, providerCallId } = context;
          const data = { id: conversationId, contextId, callId: providerCallId, status: 'queued' as const };
          return { code: 202, success: true, data };
        },
        status: 202,
      });
      return reply.code(202).send(made);
    },
  });
}

function readWish(request: FastifyRequest, body: Static<typeof wish>, contextId: ContextId): PhoneCallWish {
  const { assistant, toNumber, fromNumber, metadata = {}, args = {}, options = {} } = body;
  const { projectId, apiKeyId } = principalOf(request);
  return {
    contextId,
    projectId,
    apiKeyId,
    assistantId: assistant.assistantId as AssistantId,
    version: assistant.version ?? null,
    to: toNumber,
    from: fromNumber?.trim() || null,
    channel: options.channel ?? null,
    deploymentId: (options.deploymentId ?? null) as DeploymentId | null,
    metadata,
    args,
    options: {
      ringTimeoutSeconds: options.ringTimeoutSeconds ?? DEFAULT_RING_SECONDS,
      maxDurationSeconds: options.maxDurationSeconds ?? DEFAULT_DURATION_SECONDS,
      ...readDetection(options.machineDetection ?? 'off'),
    },
  };
}

function readDetection(wished: Static<typeof machineDetection>) {
  const isHangup = wished === true || wished === 'hangup';
  const machineAction: 'hangup' | 'record' = isHangup ? 'hangup' : 'record';
  return { hasMachineDetection: isHangup || wished === 'record', machineAction };
}

/** What is the caller's own: its names stay as they are. */
const UNTOUCHED = new Set(['metadata', 'args']);

/** `to_number` -> `toNumber`, for the names of ours, at every depth. */
function toCamelCase(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      UNTOUCHED.has(key) ? inner : toCamelCase(inner),
    ]),
  );
}
