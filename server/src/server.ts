import { hostname } from 'node:os';
import { HoldMusic } from './audio/hold-music.ts';
import { openPostgresBus } from './bus/postgres-bus.ts';
import { type AttachMediaParts, attachMedia } from './calls/attach-media.ts';
import { CallJournal } from './calls/call-journal.ts';
import { carryCallOn } from './calls/carry-call-on.ts';
import { converse } from './calls/converse.ts';
import { createDemo, type Demo } from './calls/create-demo.ts';
import { drainCalls } from './calls/drain-calls.ts';
import { endCallOfMedia } from './calls/end-call.ts';
import { HeldCalls } from './calls/held-calls.ts';
import { LiveCalls } from './calls/live-calls.ts';
import { mediaOverCarrier } from './calls/media-over-carrier.ts';
import { NodeLease, SILENT_AFTER_MS } from './calls/node-lease.ts';
import { ProjectLines } from './calls/project-lines.ts';
import { receiveDirectCall } from './calls/receive-direct-call.ts';
import { RememberedAssistants } from './calls/remembered-assistants.ts';
import { warmAssistant } from './calls/warm-assistant.ts';
import { CARRIER_CREDENTIAL_SCHEMAS } from './channels/credential-schemas.ts';
import { createChannels } from './channels/index.ts';
import type { CarriedCall, SipCallAnnouncement } from './channels/sip/ports.ts';
import { rtpMedia } from './channels/sip/rtp-media.ts';
import { DEMO_SETTINGS } from './composition/demo-settings.ts';
import { enginesOf } from './composition/engines.ts';
import { assembleManagement } from './composition/management.ts';
import { assembleOutbound } from './composition/outbound.ts';
import { StoredSipDirectory } from './composition/sip-directory.ts';
import { assembleUseCases } from './composition/use-cases.ts';
import { describeGaps } from './composition/verification-gaps.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { SentenceCache } from './conversation/sentence-cache.ts';
import type { CallContext } from './core/call/call-context.ts';
import type { AssistantId, NodeId, ProjectId } from './core/ids.ts';
import type { CallControl, Channel, OpenListener } from './core/ports/channel.ts';
import type { EventLog } from './core/ports/event-log.ts';
import { API_KEY_SCOPES } from './core/project/project.ts';
import { createHttpServer, type ListeningAt } from './http/http-server.ts';
import { startVoiceActivity } from './inference/voice-activity.ts';
import { startJobs } from './jobs/start-jobs.ts';
import { startMediaWorker } from './media/media-worker.ts';
import type { PrometheusMetrics } from './observability/metrics.ts';
import { openProviders } from './providers/index.ts';
import { SILERO } from './providers/silero/silero.ts';
import { systemClock } from './runtime/system-clock.ts';
import { systemRandom } from './runtime/system-random.ts';
import { type DatabaseSettings, openStorage } from './storage/open-storage.ts';
import { createApiKey } from './vault/create-api-key.ts';
import { credentialVault } from './vault/credential-vault.ts';
import { DigestKeys } from './vault/digest-keys.ts';
import { INSTALLATION_SECRET, installationId } from './vault/installation-id.ts';
import { openSecretBox } from './vault/open-secret-box.ts';
import { ApiKeyVerifier } from './vault/verify-api-key.ts';

/** Calls one process takes: what a core was measured to carry with room to spare. Beyond it phase 1 answers 503. */
const CAPACITY = 1_000;
/** Beyond it all are forgotten, and made again when called. */
const MAX_WARMED_VERSIONS = 1_000;
/** Hz, of nearly all calls: made at the start, not while calls run. */
const HOLD_MUSIC_RATES = [8_000, 16_000];

export type ServerParts = {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Where speech engines that were fetched live. */
  readonly cacheDir: string;
  /** PATH */
  readonly searchPath: string;
  readonly log: EventLog;
  readonly metrics: PrometheusMetrics;
};

/** A server that takes calls. Disposing stops it at once; `drain` first lets calls finish. */
export interface Server extends AsyncDisposable {
  readonly nodeId: NodeId;
  readonly http: ListeningAt;
  readonly listeners: readonly OpenListener[];
  readonly demo: Demo | null;
  /** One line an engine. */
  readonly engines: readonly string[];
  /** What lets calls in without a proof, one line each. */
  readonly gaps: readonly string[];
  readonly liveCalls: number;
  /** No new calls; the live ones may end until the grace is over or `hurry` resolves. Resolves to how many had to be cut. */
  drain(hurry: Promise<void>): Promise<number>;
}

/** The composition root: builds every room in order; what was built is taken down in reverse, also when a later one fails. */
export async function startServer(parts: ServerParts): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const { config, secrets, log, metrics } = parts;
  const shared = { clock: systemClock, random: systemRandom, log, metrics };
  const nodeId = systemRandom.uuid() as NodeId;

  const storage = stack.use(await openStorage({ database: databaseOf(parts), log }));
  const { calls, assistants, apiKeys } = storage;
  const { secretBox } = await openSecretBox({ ...secrets, dataDir: config.dataDir, store: storage.sealedSecrets });
  const keys = new ApiKeyVerifier({ apiKeys, clock: systemClock });
  const digestKeys = new DigestKeys({ apiKeys, secretBox, clock: systemClock });
  const credentials = { credentialVault: credentialVault(secretBox) };
  const directory = new StoredSipDirectory({ storage, keys, digestKeys, ...credentials, clock: systemClock });
  const lines = new ProjectLines({ ...storage, ...credentials, ...shared });
  const liveCalls = new LiveCalls(CAPACITY, metrics);
  const lease = stack.use(
    new NodeLease({ nodes: storage.nodes, nodeId, activeCalls: () => liveCalls.size, ...shared }),
  );
  const dialling: Channel[] = [];
  const bus = stack.use(openPostgresBus({ connection: storage.connection, ...shared }));
  bus.subscribe({
    message: (message) => {
      if (message.type === 'api-key.changed') {
        keys.forget(message.apiKeyId);
        digestKeys.forget();
      }
      if (message.type === 'call.end') {
        liveCalls.end(message.contextId, message.reason);
        for (const { dialer } of dialling) dialer?.ended?.(message.contextId);
      }
      if (message.type === 'project.changed') {
        lines.forget(message.projectId);
        directory.forgetTrunks();
      }
    },
    resync: () => {
      keys.forget();
      digestKeys.forget();
      lines.forget();
      directory.forgetTrunks();
    },
  });
  const journal = new CallJournal({ calls, ...shared });
  const heldCalls = new HeldCalls({ liveCalls, calls, journal });
  stack.defer(() => journal.close().catch((error: unknown) => log.error('journal.lost', {}, error)));
  await lease.start({ host: hostname(), pid: process.pid, url: `${config.http.host}:${config.http.port}` });

  const providers = stack.use(
    openProviders({
      env: { openAi: { ...config.openAi, apiKey: secrets.openAiApiKey } },
      cacheDir: parts.cacheDir,
      searchPath: parts.searchPath,
      ...shared,
    }),
  );
  const vad = stack.use(await startVoiceActivity({ ...SILERO, maxSessions: CAPACITY, ...shared }));
  const worker = stack.use(startMediaWorker({ ...shared, udp: config.mediaIo }));
  metrics.beforeScrape(() => worker.report());
  const sentences = new SentenceCache();
  const holdMusic = new HoldMusic(HOLD_MUSIC_RATES);
  const talk = { engines: enginesOf(providers), vad, sentences, holdMusic, ...shared };
  const createKey = async (projectId: ProjectId, givenKey: string | null) => {
    const wish = { projectId, name: 'first', scopes: API_KEY_SCOPES, ...(givenKey ? { givenKey } : {}) };
    return (await createApiKey({ apiKeys, secretBox, random: systemRandom }, wish)).key;
  };
  const demo = await createDemo(
    { assistants, random: systemRandom, createApiKey: createKey },
    { ...config.demo, apiKey: secrets.demoApiKey, settings: DEMO_SETTINGS },
  );

  const warming = new AbortController();
  stack.defer(() => warming.abort());
  // Once for each version: phase 1 asks with every call, and a voice takes a core for seconds.
  const warmedVersions = new Set<string>();
  const warm = (id: AssistantId, version?: number) => {
    const key = `${id} ${version ?? ''}`;
    if (warmedVersions.has(key)) return;
    if (warmedVersions.size >= MAX_WARMED_VERSIONS) warmedVersions.clear();
    warmedVersions.add(key);
    const warmed = assistants
      .version(id, version)
      .then((found) => found && warmAssistant(talk, found.settings, warming.signal));
    warmed.catch((error: unknown) => log.warn('assistant.not_warmed', { assistantId: id, reason: String(error) }));
  };
  const startConversation: AttachMediaParts['startConversation'] = async (context, media, recorder) =>
    converse(
      { ...storage, ...talk, channels, lines, publicHost: config.publicHost },
      context,
      await mediaOverCarrier({ channels, lines, log }, context, media),
      recorder,
    );
  const control: CallControl = {
    attachMedia: (arrival) =>
      attachMedia({ ...shared, calls, nodeId, liveCalls, heldCalls, journal, startConversation }, arrival),
    endCall: (contextId, reason) => endCallOfMedia({ calls, liveCalls, heldCalls, bus }, contextId, reason),
  };
  const opened = ({ assistantId, assistantVersion }: CallContext) => warm(assistantId, assistantVersion);
  const known = new RememberedAssistants({ assistants, ...shared });
  const held = { calls, lines, heldCalls, journal, nodeId };
  const sip = {
    settings: config.sip,
    directory,
    media: rtpMedia(worker, { bindHost: config.sip.host, ports: config.sip.rtpPorts }),
    nonceKey: await storage.sharedSecret('sip-nonce'),
    nodes: { own: nodeId, alive: () => storage.nodes.alive(SILENT_AFTER_MS) },
    open: (call: SipCallAnnouncement) =>
      receiveDirectCall({ ...shared, ...held, assistants: known, opened }, { ...call, channel: 'sip' }),
    carryOn: (call: CarriedCall) => carryCallOn({ ...shared, liveCalls }, 'sip', call),
  };
  const channels = createChannels({ worker, audioSocket: config.audioSocket, sip, ...shared });
  dialling.push(...channels);
  const useCases = assembleUseCases({
    ...shared,
    storage,
    keys,
    lines,
    channels,
    liveCalls,
    bus,
    publicHost: config.publicHost,
    opened,
  });
  const management = assembleManagement({
    ...shared,
    storage,
    secretBox,
    channels,
    credentialSchemas: CARRIER_CREDENTIAL_SCHEMAS,
    bus,
  });
  const installation = installationId(await storage.sharedSecret(INSTALLATION_SECRET));
  const http = createHttpServer({
    config: { ...config.http, mediaIo: config.mediaIo },
    useCases,
    management,
    control,
    channels,
    installation,
    ...shared,
  });
  stack.defer(() => http.close());
  const placing = assembleOutbound({
    ...shared,
    storage,
    lines,
    channels,
    liveCalls,
    bus,
    publicHost: config.publicHost,
    nodeId,
  });
  stack.use(await startJobs({ connection: storage.connection, ...placing, ...shared }));

  for (const channel of channels) stack.use(placing.watchCarrier(channel));
  const listeners: OpenListener[] = [];
  for (const channel of channels) if (channel.listen) listeners.push(stack.use(await channel.listen(control)));
  const at = await http.listen();
  if (demo) warm(demo.assistantId);
  const rooms = stack.move();
  return {
    nodeId,
    http: at,
    listeners,
    demo,
    engines: await providers.describe(),
    gaps: await describeGaps(storage),
    get liveCalls() {
      return liveCalls.size;
    },
    drain: async (hurry) => {
      liveCalls.drain();
      for (const listener of listeners) listener.drain();
      return await drainCalls({ ...shared, liveCalls }, config.shutdownGraceMs, hurry);
    },
    [Symbol.asyncDispose]: () => rooms.disposeAsync(),
  };
}

function databaseOf({ config, secrets }: ServerParts): DatabaseSettings {
  if (config.database.type === 'embedded' || secrets.databaseUrl === null)
    return { type: 'embedded', dataDir: config.dataDir };
  return { type: 'url', url: secrets.databaseUrl, maxConnections: config.database.maxConnections };
}
