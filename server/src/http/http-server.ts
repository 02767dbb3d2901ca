import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import type { WebSocket } from 'ws';
import { AppError } from '../core/errors.ts';
import type { CallControl, Channel } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Management } from '../management/manage.ts';
import { AllowedMethods } from './allowed-methods.ts';
import { errorSender } from './answers.ts';
import { describeApi, docsRoutes } from './api-docs.ts';
import { assistantRoutes } from './assistant-routes.ts';
import { callRoutes } from './call-routes.ts';
import { answerClientError, answerRaw, type ParserError } from './client-error.ts';
import { credentialRoutes } from './credential-routes.ts';
import { deploymentRoutes } from './deployment-routes.ts';
import { requestError } from './fastify-error.ts';
import { healthRoutes, type MetricsText } from './health-routes.ts';
import { type HttpLimits, LIMITS } from './http-limits.ts';
import { takeJsonBodies } from './management-route.ts';
import { isMediaAddress, mediaRoutes } from './media-routes.ts';
import { numberListRoutes } from './number-list-routes.ts';
import { observeRequests } from './observe-requests.ts';
import { phoneCallRoutes } from './phone-call-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { rateLimitOptions } from './rate-limit.ts';
import { SilentSockets } from './silent-sockets.ts';
import { talkRoutes } from './talk-routes.ts';
import { readTlsPair, type TlsFiles, type TlsPair, watchTlsPair } from './tls-files.ts';
import type { UseCases } from './use-cases.ts';
import { adoptUpgrades } from './websocket/adopt-upgrades.ts';

export type HttpServerParts = {
  /** Port 0: any free port. Without `tls` plain HTTP, for a proxy in front or a private network. */
  readonly config: {
    readonly host: string;
    readonly port: number;
    readonly tls: TlsFiles | null;
    /** CIDR; left out: none. */
    readonly trustedProxies?: readonly string[];
    /** How carriers' audio is read: by the system's own calls where they work, unless it is `node`. */
    readonly mediaIo?: 'auto' | 'native' | 'node';
  };
  readonly useCases: UseCases;
  readonly management: Management;
  /** Handed to channels whose media comes over WebSocket. */
  readonly control: CallControl;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics & MetricsText;
  readonly limits?: Partial<HttpLimits>;
  /** See `HealthParts`. */
  readonly installation?: string | undefined;
};

export type HttpServer = {
  /** @throws AppError conflict when the port is taken, not_configured for a bad certificate: both say what to set. */
  listen(): Promise<ListeningAt>;
  /** Takes no new connection, lets requests finish (5 s at most), closes what is left of WebSockets with 1001. */
  close(): Promise<void>;
};

export type ListeningAt = {
  /** Host and port really bound. */
  readonly address: string;
  readonly port: number;
  /** For a browser on this machine. */
  readonly url: string;
};

export function createHttpServer(parts: HttpServerParts): HttpServer {
  const limits = { ...LIMITS, ...parts.limits };
  const { host, port, tls } = parts.config;
  let app: FastifyInstance | null = null;
  let watch: Disposable | null = null;
  let silent: SilentSockets | null = null;
  return {
    listen: async () => {
      const pair = tls && readTlsPair(tls);
      app = await buildApp(parts, limits, pair);
      const server = app.server;
      silent = new SilentSockets(server, tls !== null);
      await app.listen({ host, port }).catch((error: unknown) => refuseToListen(error, parts.config));
      if (tls && pair && server instanceof https.Server) {
        watch = watchTlsPair(tls, parts.log, { current: pair, changed: (next) => server.setSecureContext(next) });
      }
      return listeningAt(server.address() as AddressInfo, tls !== null);
    },
    close: async () => {
      watch?.[Symbol.dispose]();
      const server = app?.server;
      const hurry = parts.clock.after(limits.closeGraceMs, () => server?.closeAllConnections());
      const closed = app?.close();
      silent?.destroy();
      await closed;
      hurry.cancel();
    },
  };
}

/** The server without its port: what `inject` needs. */
export async function buildApp(
  parts: HttpServerParts,
  limits: HttpLimits,
  tls: TlsPair | null,
): Promise<FastifyInstance> {
  const sendError = errorSender(parts.channels, parts.log);
  const allowed = new AllowedMethods();
  const app = fastify({
    ...fastifyOptions(limits, parts.config.trustedProxies ?? []),
    serverFactory: (handler) => createServer(handler, limits, tls),
    frameworkErrors: (error, request, reply) => void sendError(request, reply, requestError(error)),
    clientErrorHandler: (error, socket) => refuseUnreadable(parts, error, socket),
  }) as FastifyInstance;
  app.setErrorHandler((error, request, reply) => sendError(request, reply, requestError(error)));
  app.addHook('onRoute', ({ url, method }) => allowed.add(url, [method].flat()));
  app.addHook('onRequest', async (request, reply) => {
    checkRequestLine(request.raw, limits);
    if (request.is404) refuseUnknown(request, reply, allowed);
  });
  observeRequests(app, parts);

  // Bodies stay bytes: signatures are made over them. Each route reads what it needs.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  await describeApi(app);
  const adopted = adoptUpgrades(app.server, {
    messageBytes: limits.messageBytes,
    poll: parts.config.mediaIo !== 'node',
    refused: (reason) =>
      parts.log[parts.config.mediaIo === 'native' ? 'warn' : 'info']('socket.read_by_node', { reason }),
  });
  app.addHook('onClose', async () => adopted[Symbol.dispose]());
  await app.register(websocket, webSocketOptions(adopted.upgrades as http.Server, limits, parts.log));
  app.websocketServer.on('wsClientError', (error, socket) =>
    answerRaw(socket, new AppError('invalid_request', { detail: error.message })),
  );
  await app.register(rateLimit, rateLimitOptions);
  healthRoutes(app, parts);
  talkRoutes(app, parts);
  mediaRoutes(app, parts);
  callRoutes(app, parts);
  await app.register((scope, _options, done) => {
    takeJsonBodies(scope);
    phoneCallRoutes(scope, parts);
    assistantRoutes(scope, parts);
    credentialRoutes(scope, parts);
    deploymentRoutes(scope, parts);
    numberListRoutes(scope, parts);
    projectRoutes(scope, parts);
    done();
  });
  docsRoutes(app);
  return app;
}

function fastifyOptions(limits: HttpLimits, trustedProxies: readonly string[]): FastifyServerOptions {
  return {
    // Without one X-Forwarded-For is what anybody writes.
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    logger: false,
    bodyLimit: limits.bodyBytes,
    exposeHeadRoutes: false,
    // Its 503 has a body, and draining is refused by the use cases, in each channel's form.
    return503OnClosing: false,
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      // A long id is a wrong id (422), not an unknown address.
      maxParamLength: limits.targetBytes,
    },
  };
}

function createServer(handler: http.RequestListener, limits: HttpLimits, tls: TlsPair | null): http.Server {
  const options: http.ServerOptions = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
    noDelay: true,
    // Ours says so in its own form.
    requireHostHeader: false,
    shouldUpgradeCallback: ({ method, url = '', headers }) =>
      method === 'GET' && isMediaAddress(url) && headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server = tls
    ? https.createServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, handler)
    : http.createServer(options, handler);
  // An expectation nobody knows may be ignored (RFC 9110, 10.1.1); Node would refuse it in its own form.
  server.on('checkExpectation', handler);
  server.on('connect', (_request, socket) => answerRaw(socket, new AppError('method_not_allowed')));
  return server;
}

function webSocketOptions(upgrades: http.Server, limits: HttpLimits, log: EventLog) {
  return {
    options: {
      // The plugin takes nothing from it but its upgrades.
      server: upgrades,
      maxPayload: limits.messageBytes,
      perMessageDeflate: false,
      // The one sub-protocol a carrier asks for (Asterisk's chan_websocket); without an echo it hangs up.
      handleProtocols: (offered: Set<string>) => (offered.has('media') ? 'media' : false),
    },
    errorHandler(error: Error & { code?: string }, socket: WebSocket) {
      // What a peer did wrong `ws` answers itself, with the close code for it; anything else is a channel's fault.
      if (error.code?.startsWith('WS_ERR_')) return log.info('socket.refused', { code: error.code });
      if (error.code !== undefined) return log.debug('socket.broken', { code: error.code });
      log.error('socket.failed', {}, error);
      socket.close(1011, 'internal');
    },
    preClose(this: FastifyInstance, done: () => void) {
      for (const client of this.websocketServer.clients) client.close(1001, 'server stops');
      this.websocketServer.close();
      done();
    },
  } as const;
}

function checkRequestLine(raw: http.IncomingMessage, limits: HttpLimits): void {
  if ((raw.url?.length ?? 0) > limits.targetBytes) throw new AppError('uri_too_long');
  // RFC 9112, 3.2
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
    throw new AppError('invalid_request', { detail: 'the host header is missing' });
  }
}

/** Before the body is read: no matter what it is, nobody here wants it. */
function refuseUnknown(request: FastifyRequest, reply: FastifyReply, allowed: AllowedMethods): never {
  const methods = allowed.of(request.raw.url ?? '/');
  if (methods.length === 0) throw new AppError('not_found');
  reply.header('allow', methods.join(', '));
  throw new AppError('method_not_allowed');
}

function refuseUnreadable(
  { log, metrics }: HttpServerParts,
  error: ParserError,
  socket: Parameters<typeof answerRaw>[0],
): void {
  const answered = answerClientError(error, socket);
  if (answered === null) return;
  metrics.count('http_unreadable_total', { code: answered.code });
  log.info('http.unreadable', { code: answered.code, status: answered.status, reason: error.code });
}

function refuseToListen(error: unknown, { host, port }: HttpServerParts['config']): never {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is taken: stop what uses it, or set PORT`,
    EACCES: `port ${port} needs more rights: set PORT to one above 1023`,
    EADDRNOTAVAIL: `this machine has no address ${host}: set HOST`,
    ENOTFOUND: `the name ${host} has no address: set HOST`,
  };
  const detail = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  throw detail === undefined ? error : new AppError('conflict', { detail, cause: error });
}

function listeningAt({ address, port }: AddressInfo, isTls: boolean): ListeningAt {
  const host = address.includes(':') ? `[${address}]` : address;
  const local = address === '0.0.0.0' || address === '::' ? 'localhost' : host;
  return { address: `${host}:${port}`, port, url: `${isTls ? 'https' : 'http'}://${local}:${port}` };
}
