import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { LiveCalls } from '../../src/calls/live-calls.ts';
import { ProjectLines } from '../../src/calls/project-lines.ts';
import { asteriskCallWebhook } from '../../src/channels/asterisk/call-webhook.ts';
import { CARRIER_CREDENTIAL_SCHEMAS } from '../../src/channels/credential-schemas.ts';
import { exotelCallWebhook } from '../../src/channels/exotel/call-webhook.ts';
import { exotelSettingsSchema } from '../../src/channels/exotel/credential-schema.ts';
import { twilioCallWebhook } from '../../src/channels/twilio/call-webhook.ts';
import { vonageCallWebhook } from '../../src/channels/vonage/call-webhook.ts';
import { assembleManagement } from '../../src/composition/management.ts';
import { assembleUseCases } from '../../src/composition/use-cases.ts';
import type { OpenCredential } from '../../src/core/credential/credential.ts';
import type { CredentialId, DeploymentId, ProjectId } from '../../src/core/ids.ts';
import type { CallRepository } from '../../src/core/ports/call-repository.ts';
import type { CallControl, Channel } from '../../src/core/ports/channel.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { CredentialCheck } from '../../src/core/ports/credential-check.ts';
import type { BusMessage, EventBus } from '../../src/core/ports/event-bus.ts';
import type { EventLog } from '../../src/core/ports/event-log.ts';
import type { Metrics } from '../../src/core/ports/metrics.ts';
import type { NodeRepository } from '../../src/core/ports/node-repository.ts';
import type { ApiKeyScope } from '../../src/core/project/project.ts';
import { createHttpServer } from '../../src/http/http-server.ts';
import { createCredential } from '../../src/management/credentials.ts';
import { createDeployment, type DeploymentWish } from '../../src/management/deployments.ts';
import { systemRandom } from '../../src/runtime/system-random.ts';
import { createApiKey } from '../../src/vault/create-api-key.ts';
import { credentialVault } from '../../src/vault/credential-vault.ts';
import { Envelope } from '../../src/vault/envelope.ts';
import { LocalKeyring } from '../../src/vault/local-keyring.ts';
import { ApiKeyVerifier } from '../../src/vault/verify-api-key.ts';
import { realClock } from '../fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import { freshStorage } from '../postgres/fresh-database.ts';
import { sampleAssistant } from '../postgres/sample-calls.ts';

export const PUBLIC_HOST = 'voice.example.com';

const NO_MEDIA: CallControl = {
  attachMedia: () => Promise.reject(new Error('no media may come here')),
  endCall: () => Promise.reject(new Error('no media may come here')),
};

export type ApiWorldOptions = {
  readonly publicHost?: string | null;
  readonly channels?: readonly Channel[];
  readonly credentialChecks?: Readonly<Record<string, CredentialCheck>>;
  /** What sockets are handed; without it no media may come. */
  readonly control?: (rooms: ControlRooms) => CallControl;
};

export type ControlRooms = {
  readonly calls: CallRepository;
  readonly nodes: NodeRepository;
  readonly liveCalls: LiveCalls;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** The whole HTTP side over a real database: channels without media, calls without conversations. */
export async function apiWorld(options: ApiWorldOptions = {}) {
  const storage = await freshStorage();
  const log = new RecordingLog();
  const metrics = Object.assign(new RecordingMetrics(), { contentType: 'text/plain', text: async () => '' });
  const secretBox = new Envelope(new LocalKeyring([{ keyId: 'test', key: randomBytes(32) }]));
  const shared = { clock: realClock, random: systemRandom, log, metrics };
  const keys = new ApiKeyVerifier({ apiKeys: storage.apiKeys, clock: realClock });
  const lines = new ProjectLines({ ...storage, credentialVault: credentialVault(secretBox), ...shared });
  const liveCalls = new LiveCalls(1_000, metrics);
  const messages: BusMessage[] = [];
  const bus = {
    publish: async (message: BusMessage) => {
      messages.push(message);
      if (message.type === 'call.end') liveCalls.end(message.contextId, message.reason);
      if (message.type === 'project.changed') lines.forget(message.projectId);
      if (message.type === 'api-key.changed') keys.forget(message.apiKeyId);
    },
  };
  const asked: { callId: string; known: ReadonlySet<string> } = { callId: '', known: new Set(['known-call']) };
  const knowsCall = async (_: OpenCredential, callId: string) => {
    asked.callId = callId;
    return asked.known.has(callId);
  };
  const channels: readonly Channel[] = options.channels ?? [
    { name: 'asterisk', webhook: asteriskCallWebhook },
    { name: 'twilio', webhook: twilioCallWebhook },
    { name: 'vonage', webhook: vonageCallWebhook(), knowsCall },
    { name: 'exotel', settingsSchema: exotelSettingsSchema, webhook: exotelCallWebhook, knowsCall },
  ];
  const publicHost = options.publicHost === undefined ? PUBLIC_HOST : options.publicHost;
  const useCases = assembleUseCases({
    ...shared,
    storage,
    keys,
    lines,
    channels,
    liveCalls,
    bus,
    publicHost,
    opened: () => undefined,
  });
  const management = assembleManagement({
    ...shared,
    storage,
    secretBox,
    channels,
    credentialSchemas: CARRIER_CREDENTIAL_SCHEMAS,
    ...(options.credentialChecks && { credentialChecks: options.credentialChecks }),
    bus,
  });
  const server = createHttpServer({
    config: { host: '127.0.0.1', port: 0, tls: null },
    useCases,
    management,
    control: options.control?.({ calls: storage.calls, nodes: storage.nodes, liveCalls, bus, ...shared }) ?? NO_MEDIA,
    channels,
    ...shared,
  });
  const { url } = await server.listen();
  const change = {
    credentials: storage.credentials,
    deployments: storage.deployments,
    credentialVault: credentialVault(secretBox),
    credentialSchemas: CARRIER_CREDENTIAL_SCHEMAS,
    settingsSchemas: Object.fromEntries(channels.map(({ name, settingsSchema = [] }) => [name, settingsSchema])),
    audit: storage.audit,
    bus,
    log,
  };
  const client = new pg.Client({ connectionString: storage.url });
  await client.connect();
  return {
    storage,
    log,
    url,
    /** What assembling another room takes. */
    parts: { ...shared, storage, lines, channels, liveCalls, bus, publicHost },
    /** For moving time in rows. */
    sql: async (text: string): Promise<Record<string, unknown>[]> => (await client.query(text)).rows ?? [],
    asked,
    messages,
    liveCalls,
    bus,
    /** A project with an assistant. */
    project: () => sampleAssistant(storage.assistants),
    key: async (projectId: ProjectId, ...scopes: ApiKeyScope[]) =>
      (
        await createApiKey(
          { apiKeys: storage.apiKeys, secretBox, random: systemRandom },
          { projectId, name: 'k', scopes },
        )
      ).key,
    credential: (projectId: ProjectId, provider: string, values: Record<string, string>) =>
      createCredential(
        change,
        { projectId, apiKeyId: null },
        { id: systemRandom.uuid() as CredentialId, provider, name: provider, values },
      ),
    deployment: (projectId: ProjectId, wish: Omit<DeploymentWish, 'id' | 'name'>) =>
      createDeployment(
        change,
        { projectId, apiKeyId: null },
        { id: systemRandom.uuid() as DeploymentId, name: 'line', ...wish },
      ),
    ask: (path: string, init?: RequestInit) => fetch(url + path, init),
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await server.close();
      await storage[Symbol.asyncDispose]();
    },
  };
}

export type ApiWorld = Awaited<ReturnType<typeof apiWorld>>;
