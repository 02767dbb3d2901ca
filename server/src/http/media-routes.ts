import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { AppError } from '../core/errors.ts';
import { type ContextId, parseContextId } from '../core/ids.ts';
import type { CallControl, Channel } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import { withDeadline } from './deadline.ts';
import { mediaSocket } from './media-socket.ts';
import { requestPath } from './request-path.ts';
import { UnnamedSockets } from './unnamed-sockets.ts';
import type { UseCases } from './use-cases.ts';
import { plainHeaders, queryParameters } from './webhook-request.ts';
import { FrameOutbox } from './websocket/frame-outbox.ts';

export type MediaParts = {
  readonly useCases: Pick<UseCases, 'checkContext'>;
  readonly control: CallControl;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
};

/** Asterisk's websocket_client gives up soon; an answer within 1 s is promised, so the check has a little less. */
const CHECK_LIMIT_MS = 900;
const WEBSOCKET_KEY = /^[A-Za-z0-9+/]{22}==$/;

type MediaParams = { readonly provider: string; readonly contextId?: string };
type MediaRequest = FastifyRequest<{ Params: MediaParams }>;

/** Addresses that take a WebSocket; for any other, `Upgrade` is a header like the rest. */
export function isMediaAddress(rawUrl: string): boolean {
  return /^\/v1\/talk\/[^/]+\/ctx(\/[^/]+)?\/?$/.test(requestPath(rawUrl));
}

/**
 * Phase 2 over WebSocket. Everything that can be wrong is answered before the 101, and nothing is claimed by it: a
 * handshake alone consumes no context.
 */
export function mediaRoutes(app: FastifyInstance, parts: MediaParts): void {
  const unnamed = new UnnamedSockets(parts.clock);
  const outbox = new FrameOutbox();
  const summary = 'A carrier brings the audio of a call over WebSocket';
  const route = (url: string, params: object) =>
    app.route<{ Params: MediaParams }>({
      method: 'GET',
      url,
      schema: { tags: ['talk'], summary, params },
      preValidation: async (request, reply) => check(parts, unnamed, request, reply),
      handler: async () => {
        throw new AppError('upgrade_required');
      },
      wsHandler: (socket, request) => open({ ...parts, outbox }, socket, request as MediaRequest),
    });
  const text = { type: 'string' };
  route('/v1/talk/:provider/ctx/:contextId', { type: 'object', properties: { provider: text, contextId: text } });
  // Asterisk's channel driver can add to a query, not to a path (Asterisk, "WebSocket channel driver", option v).
  route('/v1/talk/:provider/ctx', { type: 'object', properties: { provider: text } });
}

async function check(
  parts: MediaParts,
  unnamed: UnnamedSockets,
  request: MediaRequest,
  reply: FastifyReply,
): Promise<void> {
  const channel = mediaChannel(parts.channels, request.params.provider);
  checkHandshake(request, reply);
  if (channel.unnamedSocket && contextText(request) === undefined) {
    if (!unnamed.admit(request.ip)) throw new AppError('over_capacity', { detail: 'too many sockets without a call' });
    return;
  }
  const check = parts.useCases.checkContext(readContextId(request), channel.name);
  await withDeadline(parts.clock, CHECK_LIMIT_MS, check);
  if (!channel.socket)
    throw new AppError('unsupported', { detail: `${channel.name} brings no audio over WebSocket here` });
}

function open(parts: MediaParts & { readonly outbox: FrameOutbox }, socket: WebSocket, request: MediaRequest): void {
  const channel = mediaChannel(parts.channels, request.params.provider);
  const arrival = {
    socket: mediaSocket({ socket, connection: request.raw.socket, outbox: parts.outbox }),
    rawTarget: request.raw.url ?? '/',
    headers: plainHeaders(request),
    remoteAddress: request.ip,
  };
  if (channel.unnamedSocket && contextText(request) === undefined) channel.unnamedSocket(arrival, parts.control);
  else channel.socket?.({ ...arrival, contextId: readContextId(request) }, parts.control);
}

function mediaChannel(channels: readonly Channel[], provider: string): Channel {
  const channel = channels.find((one) => one.name === provider && (one.webhook || one.socket));
  if (!channel) throw new AppError('not_found', { detail: 'no channel of that name takes audio here' });
  return channel;
}

/** RFC 6455, 4.2.1 and 4.4. */
function checkHandshake(request: MediaRequest, reply: FastifyReply): void {
  const { headers } = request.raw;
  if (!request.ws) {
    reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
    throw new AppError('upgrade_required');
  }
  if (headers['sec-websocket-version'] !== '13') {
    reply.header('sec-websocket-version', '13');
    throw new AppError('upgrade_required', { detail: 'only version 13 of WebSocket is spoken' });
  }
  if (!WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '')) {
    throw new AppError('invalid_request', { detail: 'sec-websocket-key is missing or no 16 bytes in base64' });
  }
}

function contextText(request: MediaRequest): string | undefined {
  const query = queryParameters(request);
  return request.params.contextId ?? query['contextId'] ?? query['ctx'];
}

function readContextId(request: MediaRequest): ContextId {
  const contextId = parseContextId(contextText(request) ?? '');
  if (contextId === null) throw new AppError('context_not_found', { detail: 'a context id is a UUID' });
  return contextId;
}
