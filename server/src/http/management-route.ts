import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import type { ApiKeyScope } from '../core/project/project.ts';
import type { Actor } from '../management/change.ts';
import type { Management } from '../management/manage.ts';
import { authorize, principalOf } from './authorize.ts';
import { problemDocument } from './call-schemas.ts';
import { API_RATE_LIMIT } from './rate-limit.ts';
import { requestPath } from './request-path.ts';
import type { UseCases } from './use-cases.ts';

export type ManagementRouteParts = {
  readonly useCases: Pick<UseCases, 'verifyApiKey'>;
  readonly management: Management;
};

const ADMIN: readonly ApiKeyScope[] = ['admin'];
const DECIMAL_ID = '^[1-9][0-9]{0,15}$';

export const uuidParams = Type.Object({ id: Type.String({ format: 'uuid' }) });
export const decimalParams = Type.Object({ id: Type.String({ pattern: DECIMAL_ID }) });
export const decimalId = Type.String({ pattern: DECIMAL_ID });
export const time = Type.String({ format: 'date-time' });
export const nullable = <Inner extends TSchema>(inner: Inner) => Type.Union([inner, Type.Null()]);
export const name = Type.String({ minLength: 1, maxLength: 200 });

/** What all routes of a project's administration have in common: an API key of the scope, its rate, its problems. */
export function managed({ useCases }: ManagementRouteParts, tag: string, scopes: readonly ApiKeyScope[] = ADMIN) {
  return {
    config: { rateLimit: API_RATE_LIMIT },
    preValidation: async (request: FastifyRequest) => authorize(useCases, request, scopes),
    describe: <Success extends TSchema>(summary: string, success: Success, status = 200) => ({
      tags: [tag],
      summary,
      security: [{ apiKey: [] }, { bearer: [] }],
      response: { [status]: success, '4xx': problemDocument, '5xx': problemDocument },
    }),
  };
}

/** Who asks, as the use cases take it. */
export function actorOf(request: FastifyRequest): Actor {
  const { projectId, apiKeyId } = principalOf(request);
  return { projectId, apiKeyId };
}

const KEY_FORM = /^[\x21-\x7e]{1,255}$/;
const CREATED = 201;

/** How something is made. `id` is the same for all tries of one Idempotency-Key. */
export type Creation<Body> = {
  readonly newId: () => string;
  readonly create: (id: string) => Promise<Body>;
  /** The answer as it may be kept, where it holds a secret. */
  readonly remembered?: (body: Body) => Body;
  /** 201 when left out. */
  readonly status?: number;
};

/**
 * Makes something once for each Idempotency-Key: a repeated request gets the first one's answer, and one that died on the
 * way makes what the first would have made.
 */
export async function createOnce<Body extends Readonly<Record<string, unknown>>>(
  { management }: ManagementRouteParts,
  request: FastifyRequest,
  reply: FastifyReply,
  { newId, create, remembered = (body) => body, status = CREATED }: Creation<Body>,
): Promise<Body> {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return create(newId());
  if (typeof key !== 'string' || !KEY_FORM.test(key)) {
    throw new AppError('invalid_parameters', { detail: 'Idempotency-Key takes 1 to 255 visible ASCII characters' });
  }
  const { projectId } = principalOf(request);
  const text = `${request.method} ${requestPath(request.raw.url ?? '/')}\n${JSON.stringify(request.body)}`;
  const { resourceId, answer } = await management.idempotency.begin({ projectId, key, request: text }, newId());
  if (answer) {
    reply.header('idempotency-replayed', 'true');
    // The same request to the same route: what this very function stored.
    return answer.body as Body;
  }
  const body = await create(resourceId);
  await management.idempotency.finish({ projectId, key }, status, remembered(body));
  return body;
}

/** Bodies of this scope are JSON and checked by their schemas, unlike those of webhooks. */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      // JSON.parse makes __proto__ an ordinary property, and no schema takes it.
      done(null, text === '' ? undefined : JSON.parse(String(text)));
    } catch {
      done(new AppError('invalid_request', { detail: 'the body is not JSON' }));
    }
  });
  app.setErrorHandler((error, _request, _reply) => {
    const { code } = error as { code?: string };
    if (code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') throw error;
    throw new AppError('unsupported_media_type', { detail: 'send application/json' });
  });
}
