import { AppError, type ErrorCode } from '../core/errors.ts';

/** Fastify's own refusals in our words (fastify.dev, Reference/Errors). */
const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_BAD_URL: ['invalid_request', 'the path is not valid percent-encoding'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'a part of the path is too long'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'the body may have 262144 bytes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'the content type cannot be read'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body is not as long as content-length says'],
  ECONNRESET: ['invalid_request', 'the connection ended within the body'],
};

type FastifyLikeError = {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: unknown;
  readonly message?: string;
};

/** Anything thrown on the way of a request as an AppError. */
export function requestError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { code, statusCode = 500, validation, message } = error as FastifyLikeError;
  if (validation !== undefined) return new AppError('invalid_parameters', { detail: message ?? '', cause: error });
  const known = code === undefined ? undefined : CODES[code];
  if (known) return new AppError(known[0], { detail: known[1], cause: error });
  // A refusal of a later Fastify is still the client's fault.
  if (code?.startsWith('FST_') && statusCode < 500)
    return new AppError('invalid_request', { detail: code, cause: error });
  return new AppError('internal', { cause: error });
}
