import type { AppError, ErrorCode } from '../../core/errors.ts';
import type { Header } from '../../protocols/sip/message/message.ts';

const RETRY_AFTER_SECONDS = 5;
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_request: 400,
  unauthenticated: 403,
  forbidden: 403,
  caller_blocked: 403,
  not_found: 404,
  assistant_not_found: 404,
  context_claimed: 482,
  conflict: 482,
  invalid_parameters: 400,
  unsupported: 488,
};

/** The SIP status of an error told to a caller that was let in: 503 with Retry-After where trying again may help (RFC 3261, 21.5.4). */
export function refusalOf(error: AppError): { readonly status: number; readonly headers: readonly Header[] } {
  if (error.status === 503 || error.isRetryable) {
    const value = `${error.retryAfterSeconds ?? RETRY_AFTER_SECONDS}`;
    return { status: 503, headers: [{ name: 'Retry-After', value }] };
  }
  return { status: STATUS[error.code] ?? 500, headers: [] };
}
