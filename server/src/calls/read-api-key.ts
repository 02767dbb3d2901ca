import type { WebhookRequest } from '../core/ports/channel.ts';

/**
 * The API key of a request: the x-api-key header, a bearer token, or the x-api-key parameter, in that order. A bearer token
 * with dots is a carrier's JWT (RFC 7519, 3); no key of ours has one.
 */
export function readApiKey(request: Pick<WebhookRequest, 'headers' | 'parameters'>): string | null {
  const bearer = /^Bearer +([^\s.]+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
  return request.headers['x-api-key'] || bearer || request.parameters['x-api-key'] || null;
}
