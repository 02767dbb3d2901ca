/** Errors of a connection before a byte of the request went out (Node.js, "Common system errors"). */
const CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const MOST_CAUSES = 5;

/** Whether a request that failed cannot have reached the other side: then it may be sent again without a doubt. */
export function wasNeverSent(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < MOST_CAUSES && current instanceof Error; depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && CODES.has(code)) return true;
    current = current.cause;
  }
  return false;
}
