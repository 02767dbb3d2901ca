import type { CarrierEvent } from '@assistant/server/calls/carrier-event';
import { type ReceiveCallParts, receiveCall } from '@assistant/server/calls/receive-call';
import { asteriskCallWebhook } from '@assistant/server/channels/asterisk/call-webhook';
import type { Assistant } from '@assistant/server/core/assistant/assistant';
import type { Call } from '@assistant/server/core/call/call';
import type { Transfer } from '@assistant/server/core/call/transfer';
import { AppError, type ErrorCode } from '@assistant/server/core/errors';
import type {
  ApiKeyId,
  AssistantId,
  ContextId,
  ConversationId,
  ProjectId,
  TransferId,
} from '@assistant/server/core/ids';
import type { CallQuery, NewContext } from '@assistant/server/core/ports/call-repository';
import type { CallControl, Channel, WebhookRequest } from '@assistant/server/core/ports/channel';
import type { Clock } from '@assistant/server/core/ports/clock';
import type { Principal } from '@assistant/server/core/project/project';
import type { HttpLimits } from '@assistant/server/http/http-limits';
import { createHttpServer } from '@assistant/server/http/http-server';
import type { TlsFiles } from '@assistant/server/http/tls-files';
import type { UseCases } from '@assistant/server/http/use-cases';
import type { Management } from '@assistant/server/management/manage';
import { realClock } from '../fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';

export const ASSISTANT_ID = '123456789';
export const CONTEXT_ID = '11111111-2222-4333-8444-555555555555';
export const TALK_KEY = 'rpd-talk';
export const CALLS_KEY = 'rpd-calls';
export const ADMIN_KEY = 'rpd-admin';
export const FOREIGN_KEY = 'rpd-foreign';

export type WorldOptions = {
  readonly limits?: Partial<HttpLimits>;
  readonly channels?: readonly Channel[];
  readonly useCases?: Partial<UseCases>;
  readonly tls?: TlsFiles;
  readonly clock?: Clock;
  readonly installation?: string;
  readonly trustedProxies?: readonly string[];
};

/** What a running server was asked to do, and the server. */
export type HttpWorld = AsyncDisposable & {
  readonly port: number;
  readonly url: string;
  readonly log: RecordingLog;
  readonly metrics: RecordingMetrics;
  /** Contexts that phase 1 made. */
  readonly opened: NewContext[];
  /** Requests as channels saw them. */
  readonly requests: WebhookRequest[];
  readonly events: CarrierEvent[];
  readonly queries: CallQuery[];
  readonly ended: ContextId[];
  /** What `admit` throws, when anything. */
  admission: ErrorCode | null;
};

/** The other channels, as far as http is concerned: a webhook that answers JSON and refuses with a problem. */
const plainChannel = (name: Channel['name']): Channel => ({
  name,
  webhook: {
    read: asteriskCallWebhook.read,
    answer: ({ contextId }) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(contextId),
    }),
    refuse: (error) => ({
      status: error.status,
      headers: { 'content-type': 'application/problem+json' },
      body: JSON.stringify({ status: error.status, code: error.code }),
    }),
  },
});

/** A real server on a free port with the real phase 1, over a database that is two lists. */
export async function httpWorld(options: WorldOptions = {}): Promise<HttpWorld> {
  const state = {
    log: new RecordingLog(),
    metrics: Object.assign(new RecordingMetrics(), {
      contentType: 'text/plain; version=0.0.4',
      text: async () => 'up 1\n',
    }),
    opened: [] as NewContext[],
    requests: [] as WebhookRequest[],
    events: [] as CarrierEvent[],
    queries: [] as CallQuery[],
    ended: [] as ContextId[],
    admission: null as ErrorCode | null,
  };
  const asterisk: Channel = {
    name: 'asterisk',
    webhook: {
      ...asteriskCallWebhook,
      read: (request) => {
        state.requests.push(request);
        return asteriskCallWebhook.read(request);
      },
    },
  };
  const server = createHttpServer({
    config: { host: '127.0.0.1', port: 0, tls: options.tls ?? null, trustedProxies: options.trustedProxies ?? [] },
    useCases: { ...useCases(state), ...options.useCases },
    management: null as unknown as Management,
    control: null as unknown as CallControl,
    channels: options.channels ?? [asterisk, plainChannel('twilio'), plainChannel('vonage'), plainChannel('exotel')],
    clock: options.clock ?? realClock,
    log: state.log,
    metrics: state.metrics,
    ...(options.limits && { limits: options.limits }),
    installation: options.installation,
  });
  const { port, url } = await server.listen();
  return Object.assign(state, { port, url, [Symbol.asyncDispose]: () => server.close() });
}

type State = Pick<HttpWorld, 'log' | 'metrics' | 'opened' | 'events' | 'queries' | 'ended' | 'admission'>;

const PROJECT = 'project-1' as ProjectId;

function useCases(state: State): UseCases {
  return {
    receiveCall: (command) => receiveCall(receiveParts(state), command),
    recordCarrierEvent: async (event) => {
      state.events.push(event);
      if (event.request.parameters['signature'] === 'forged') throw new AppError('wrong_signature');
      return event.contextId === CONTEXT_ID ? 'recorded' : 'unknown';
    },
    tellTransferNumber: async (event) => {
      state.events.push(event);
      return { status: 200, headers: {}, body: 'number' };
    },
    checkContext: async (contextId) => {
      const [code] = CHECKS.find(([, digit]) => contextId.startsWith(digit)) ?? [];
      if (code) throw new AppError(code);
    },
    verifyApiKey,
    createPhoneCall: async () => {
      throw new AppError('unsupported');
    },
    endCall: async (_, contextId) => {
      if (contextId !== CONTEXT_ID) throw new AppError('context_not_found');
      state.ended.push(contextId);
    },
    listCalls: async (query) => {
      state.queries.push(query);
      return { calls: [CALL], nextCursor: 'next' };
    },
    getCall: async (_, contextId) =>
      contextId === CONTEXT_ID
        ? {
            call: CALL,
            dtmf: '1#',
            turns: [],
            events: [{ atMs: 5, type: 'digit', data: { digit: '1' } }],
            transfers: [TRANSFER],
          }
        : null,
    checkReadiness: async () => {
      if (state.admission) throw new AppError(state.admission);
    },
  };
}

/** By the first digit of the context id. */
const CHECKS = [
  ['context_not_found', '4'],
  ['context_expired', 'e'],
  ['context_claimed', 'c'],
] as const;

const CALL: Call = {
  contextId: CONTEXT_ID as ContextId,
  conversationId: '4567890123456789' as ConversationId,
  attempt: 1,
  projectId: PROJECT,
  assistantId: ASSISTANT_ID as AssistantId,
  assistantVersion: 1,
  deploymentId: null,
  channel: 'asterisk',
  direction: 'inbound',
  from: '+15550001',
  to: null,
  providerCallId: null,
  isUnverified: false,
  status: 'live',
  endReason: null,
  createdAt: new Date(Date.UTC(2026, 10, 21, 10)),
  answeredAt: null,
  endedAt: null,
};

const TRANSFER: Transfer = {
  transferId: '21111111-2222-4333-8444-555555555555' as TransferId,
  contextId: CONTEXT_ID as ContextId,
  conversationId: '4567890123456789' as ConversationId,
  projectId: PROJECT,
  to: '+14155552671',
  state: 'failed',
  failure: 'busy',
  bookmark: { node: 'agent' },
  returnContextId: null,
  askedAt: new Date(Date.UTC(2026, 10, 21, 10)),
  diallingAt: new Date(Date.UTC(2026, 10, 21, 10, 0, 1)),
  overAt: new Date(Date.UTC(2026, 10, 21, 10, 0, 9)),
};

const principal = (projectId: string, scope: Principal['scopes'][number]): Principal => ({
  projectId: projectId as ProjectId,
  apiKeyId: 'key-1' as ApiKeyId,
  scopes: [scope],
});

const KEYS = new Map<string, Principal>([
  [TALK_KEY, principal(PROJECT, 'talk')],
  [CALLS_KEY, principal(PROJECT, 'calls')],
  [ADMIN_KEY, principal(PROJECT, 'admin')],
  [FOREIGN_KEY, principal('project-2', 'talk')],
]);

async function verifyApiKey(key: string): Promise<Principal | null> {
  return KEYS.get(key) ?? null;
}

function receiveParts(state: State): ReceiveCallParts {
  const assistant: Assistant = {
    id: ASSISTANT_ID as AssistantId,
    projectId: PROJECT,
    name: 'demo',
    publishedVersion: 1,
    maxConcurrentCalls: null,
    createdAt: new Date(0),
  };
  return {
    assistants: { find: async (id) => (id === ASSISTANT_ID ? assistant : null) },
    lines: { ofProject: async () => ({ credentials: [], deployments: [] }) },
    clock: realClock,
    askCarrier: () => undefined,
    calls: {
      find: async () => null,
      findByProviderCall: async () => null,
      countUnverified: async () => ({ open: 0, lastHour: 0 }),
      open: async (context) => {
        state.opened.push(context);
        const { ttlMs: _, ...rest } = context;
        return {
          isNew: true,
          context: { ...rest, attempt: 1, status: 'pending', expiresAt: new Date(0), claimedBy: null },
        };
      },
    },
    verifyApiKey,
    admit: () => {
      if (state.admission) throw new AppError(state.admission, { retryAfterSeconds: 5 });
    },
    opened: () => undefined,
    publicHost: null,
    random: { uuid: () => CONTEXT_ID, bytes: (count) => new Uint8Array(count), below: () => 1 },
    log: state.log,
    metrics: state.metrics,
  };
}
