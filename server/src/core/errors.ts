/** Every error a client, carrier or operator can meet: its HTTP status, whether the same request may succeed later, and what it says. */
const ERRORS = {
  invalid_request: { status: 400, isRetryable: false, message: 'The request cannot be read' },
  unauthenticated: { status: 401, isRetryable: false, message: 'A valid API key is needed' },
  forbidden: { status: 403, isRetryable: false, message: 'This caller may not do that' },
  do_not_call: { status: 403, isRetryable: false, message: 'This number is on the do-not-call list' },
  caller_blocked: { status: 403, isRetryable: false, message: 'This caller is blocked' },
  wrong_signature: { status: 403, isRetryable: false, message: 'The carrier signature does not verify' },
  not_found: { status: 404, isRetryable: false, message: 'There is nothing at this address' },
  assistant_not_found: { status: 404, isRetryable: false, message: 'There is no such assistant' },
  context_not_found: { status: 404, isRetryable: false, message: 'There is no such call context' },
  method_not_allowed: { status: 405, isRetryable: false, message: 'This address does not take that method' },
  request_timeout: { status: 408, isRetryable: true, message: 'The request did not arrive in time' },
  context_claimed: { status: 409, isRetryable: false, message: 'This call already has its media connection' },
  conflict: { status: 409, isRetryable: false, message: 'This contradicts what is already there' },
  context_expired: { status: 410, isRetryable: false, message: 'This call context was not used in time' },
  too_large: { status: 413, isRetryable: false, message: 'The request is too large' },
  uri_too_long: { status: 414, isRetryable: false, message: 'The address is too long' },
  unsupported_media_type: { status: 415, isRetryable: false, message: 'This content type is not understood here' },
  invalid_parameters: { status: 422, isRetryable: false, message: 'A parameter is missing or wrong' },
  number_refused: { status: 422, isRetryable: false, message: 'This number is not called' },
  upgrade_required: { status: 426, isRetryable: false, message: 'This address speaks WebSocket' },
  limit_reached: { status: 429, isRetryable: true, message: 'A limit that was set is reached' },
  rate_limited: { status: 429, isRetryable: true, message: 'Too many requests' },
  headers_too_large: { status: 431, isRetryable: false, message: 'The request headers are too large' },
  internal: { status: 500, isRetryable: false, message: 'Something failed inside the server' },
  provider_failed: { status: 502, isRetryable: true, message: 'A speech or language provider failed' },
  provider_refused: { status: 502, isRetryable: false, message: 'A speech or language provider refused the request' },
  carrier_failed: { status: 502, isRetryable: false, message: 'The carrier refused or failed the call' },
  over_capacity: { status: 503, isRetryable: true, message: 'No call slot is free' },
  draining: { status: 503, isRetryable: true, message: 'This server is shutting down' },
  database_unavailable: { status: 503, isRetryable: true, message: 'The database does not answer' },
  not_configured: { status: 503, isRetryable: false, message: 'A setting is missing' },
  unsupported: { status: 422, isRetryable: false, message: 'This channel cannot do that' },
} as const satisfies Record<string, { status: number; isRetryable: boolean; message: string }>;

export type ErrorCode = keyof typeof ERRORS;

export type ErrorOptions = {
  /** Facts for the log and, unless it holds a secret, for the client: which value, what to do next. */
  readonly detail?: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
};

/** The one error class: a code from the table and what happened this time. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly isRetryable: boolean;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    const entry = ERRORS[code];
    super(options.detail ? `${entry.message}: ${options.detail}` : entry.message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = entry.status;
    this.isRetryable = entry.isRetryable;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The table itself, for docs/errors.md and the API description. */
export function errorTable(): Readonly<Record<ErrorCode, { status: number; isRetryable: boolean; message: string }>> {
  return ERRORS;
}

/** Any thrown value as an AppError; what we did not foresee becomes `internal` and keeps its cause. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal', { cause: error });
}
