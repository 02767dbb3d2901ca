import type { FastifyRequest } from 'fastify';
import { readApiKey } from '../calls/read-api-key.ts';
import { AppError } from '../core/errors.ts';
import type { ApiKeyScope, Principal } from '../core/project/project.ts';
import type { UseCases } from './use-cases.ts';
import { plainHeaders, queryParameters } from './webhook-request.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null until `authorize`. */
    principal: Principal | null;
  }
}

/** Lets a request pass that carries an API key with one of the scopes; comes before anything else of it is judged. @throws AppError unauthenticated; forbidden. */
export async function authorize(
  useCases: Pick<UseCases, 'verifyApiKey'>,
  request: FastifyRequest,
  scopes: readonly ApiKeyScope[],
): Promise<void> {
  const key = requestKey(request);
  if (key === null) throw new AppError('unauthenticated', { detail: 'send x-api-key or Authorization: Bearer' });
  const principal = await useCases.verifyApiKey(key);
  if (principal === null) throw new AppError('unauthenticated', { detail: 'this API key is not valid' });
  if (!scopes.some((scope) => principal.scopes.includes(scope))) {
    throw new AppError('forbidden', { detail: `this takes an API key with the scope ${scopes.join(' or ')}` });
  }
  request.principal = principal;
}

/** Who asks. @throws AppError internal on a route that did not `authorize`. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new AppError('internal', { detail: 'this route authorizes nobody' });
  return request.principal;
}

/** The API key of a request, unchecked. */
export function requestKey(request: FastifyRequest): string | null {
  return readApiKey({ headers: plainHeaders(request), parameters: queryParameters(request) });
}
