import { AppError } from '../../core/errors.ts';

/** Statuses after which the same request may succeed; every other 4xx is a refusal. */
const RETRYABLE_STATUSES = new Set([408, 409, 425, 429]);
const MAX_WORDS = 300;
/** The way OpenAI's keys and most of their imitators look, whole or partly starred out. */
const KEY_LIKE = /\b(sk|pk|key)-[\w*-]{4,}/g;

/** What a server answered instead of what was asked for. */
export type VendorRefusal = {
  readonly status: number;
  /** The body, as far as it was read. */
  readonly body: string;
  readonly retryAfter?: string | null | undefined;
};

/** Makes the vendor's own words an AppError: provider_failed where a retry may help, else provider_refused. Never holds the key. */
export function refusalError(provider: string, refusal: VendorRefusal, apiKey: string | undefined): AppError {
  const isRetryable = refusal.status >= 500 || RETRYABLE_STATUSES.has(refusal.status);
  const retryAfterSeconds = Number(refusal.retryAfter ?? Number.NaN);
  return new AppError(isRetryable ? 'provider_failed' : 'provider_refused', {
    detail: `${provider} answered ${refusal.status}: ${withoutKey(wordsOf(refusal.body), apiKey)}`,
    ...(retryAfterSeconds >= 0 ? { retryAfterSeconds } : {}),
  });
}

/** Makes anything thrown on the way an AppError. What was thrown is not kept as cause: its words, and the request in it, may
 *  hold the key. */
export function transportError(provider: string, error: unknown, apiKey: string | undefined): AppError {
  if (error instanceof AppError) return error;
  return new AppError('provider_failed', { detail: `${provider}: ${withoutKey(chainOf(error), apiKey)}` });
}

/** The text with the key, and whatever looks like one, starred out. */
export function withoutKey(text: string, apiKey: string | undefined): string {
  const bare = apiKey ? text.replaceAll(apiKey, '***') : text;
  return bare.replace(KEY_LIKE, '***').replace(/\s+/g, ' ').trim().slice(0, MAX_WORDS);
}

/** `fetch failed` alone says nothing: the reason is in its causes. */
function chainOf(error: unknown): string {
  const messages: string[] = [];
  for (let link: unknown = error; link instanceof Error && messages.length < 4; link = link.cause) {
    const { code } = link as { code?: unknown };
    messages.push(link.message || (typeof code === 'string' ? code : link.name));
  }
  return messages.length > 0 ? messages.join(': ') : String(error);
}

/** `{error: {message}}` of OpenAI, `{message}` and `{detail}` of others, else the body as it is. */
function wordsOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    for (const candidate of [
      field(field(parsed, 'error'), 'message'),
      field(parsed, 'error'),
      field(parsed, 'message'),
      field(parsed, 'detail'),
    ]) {
      if (typeof candidate === 'string' && candidate) return candidate;
    }
  } catch {
    // Not JSON: a proxy's page, or a body that was cut.
  }
  return body || 'no words';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
