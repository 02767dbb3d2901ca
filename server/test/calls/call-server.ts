import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AudioSocketLeg } from '@assistant/peers/phone/audiosocket-leg';
import { type CallRequest, requestCall } from '@assistant/peers/phone/phase-one';
import { Phone } from '@assistant/peers/phone/phone';
import type { CallRecord } from '@assistant/peers/server/call-record';
import { productGauges, readMetrics } from '@assistant/peers/server/metrics';
import type { AssistantSettings } from '@assistant/server/core/assistant/assistant-settings';
import type { ContextStatus } from '@assistant/server/core/call/call-context';
import { type AssistantId, type ContextId, newAssistantId } from '@assistant/server/core/ids';
import { PrometheusMetrics } from '@assistant/server/observability/metrics';
import { systemRandom } from '@assistant/server/runtime/system-random';
import { openStorage, type Storage } from '@assistant/server/storage/open-storage';
import { newApiKey } from '@assistant/server/vault/api-key';
import type { Demo } from '../../src/calls/create-demo.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { type Server, type ServerParts, startServer } from '../../src/server.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { freshDatabase } from '../postgres/fresh-database.ts';

const HOST = '127.0.0.1';
/** Far beyond what anything here takes: a test that waits so long has found a fault, not a slow machine. */
export const LONG_MS = 40_000;
const LOOK_EVERY_MS = 20;
/** Engines stay for a minute after their last sentence. The other two tell of the process, not of calls. */
const GAUGES_OF_THE_PROCESS = /^(speech_engine_processes|event_loop_delay_seconds|node_)/;

export type CallServerOptions = {
  /** More settings, by the names of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** How the server reaches its database; straight when left out. */
  readonly databaseUrl?: (url: string) => Promise<string>;
};

/** A phone in a call, and the call's id. */
export type OpenCall = { readonly phone: Phone; readonly contextId: string };

/** The whole server in this process, on free ports and a database of its own, with keys, flite from npm and nothing else but what `env` adds. */
export async function startCallServer(options: CallServerOptions = {}): Promise<CallServer> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'calls-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = stack.use(await freshDatabase());
  const apiKey = newApiKey(systemRandom);
  const url = (await options.databaseUrl?.(database.url)) ?? database.url;
  const settings = settingsOf({ DATA_DIR: dataDir, DEMO__API_KEY: apiKey, DATABASE_URL: url, ...options.env });
  const log = new RecordingLog();
  const metrics = stack.use(new PrometheusMetrics());
  const parts: ServerParts = { ...settings, cacheDir: dataDir, searchPath: '', log, metrics };
  const server = stack.use(await startServer(parts));
  const storage = stack.use(await openStorage({ database: { type: 'url', url: database.url }, log }));
  return new CallServer({ server, storage, log, metrics, apiKey, rooms: stack.move() });
}

function settingsOf(env: Readonly<Record<string, string>>): Pick<ServerParts, 'config' | 'secrets'> {
  const reading = readConfig({
    HOST,
    PORT: '0',
    AUDIOSOCKET__HOST: HOST,
    AUDIOSOCKET__PORT: '0',
    SIP__SERVER: HOST,
    SIP__PORT: '0',
    ...env,
  });
  if ('errors' in reading) throw new Error(reading.errors.join('\n'));
  return reading;
}

type CallServerParts = {
  readonly server: Server;
  readonly storage: Storage;
  readonly log: RecordingLog;
  readonly metrics: PrometheusMetrics;
  readonly apiKey: string;
  readonly rooms: AsyncDisposableStack;
};

/** The server of a scenario, with what a scenario asks of it. */
export class CallServer implements AsyncDisposable {
  readonly apiKey: string;
  readonly log: RecordingLog;
  readonly storage: Storage;
  readonly #parts: CallServerParts;

  constructor(parts: CallServerParts) {
    this.#parts = parts;
    this.apiKey = parts.apiKey;
    this.log = parts.log;
    this.storage = parts.storage;
  }

  get demo(): Demo {
    const { demo } = this.#parts.server;
    if (demo === null) throw new Error('a fresh database has a demo');
    return demo;
  }

  get url(): string {
    return this.#parts.server.http.url;
  }

  get audioSocket(): { readonly host: string; readonly port: number } {
    const [listener] = this.#parts.server.listeners;
    return { host: HOST, port: Number(listener?.address.split(':').at(-1)) };
  }

  /** UDP and TCP. */
  get sipPort(): number {
    const listener = this.#parts.server.listeners.find(({ protocol }) => protocol === 'SIP');
    return Number(listener?.address.split(':').at(-1));
  }

  /** Makes an assistant; returns its id. */
  async assistant(settings: AssistantSettings): Promise<AssistantId> {
    const id = newAssistantId(systemRandom);
    const { projectId } = this.demo;
    await this.storage.assistants.create({ id, projectId, name: `scenario ${id}`, settings });
    return id;
  }

  /** Phase 1, as a dialplan asks for it. */
  async open(assistantId: string, more: Pick<CallRequest, 'from' | 'callId'> = {}): Promise<string> {
    const request = { url: this.url, apiKey: this.apiKey, assistantId, from: '+15550100', ...more };
    return (await requestCall(request)).contextId;
  }

  /** Phase 2: a phone on that context. */
  async connect(contextId: string): Promise<Phone> {
    return await Phone.open(new AudioSocketLeg({ ...this.audioSocket, contextId }));
  }

  /** Both phases. */
  async call(assistantId: string): Promise<OpenCall> {
    const contextId = await this.open(assistantId);
    return { contextId, phone: await this.connect(contextId) };
  }

  /** Waits until a call's context is in one of these states. Asks the database: the API has its limit of requests. */
  async status(contextId: string, ...wanted: readonly ContextStatus[]): Promise<void> {
    await eventually(`the context to be ${wanted.join(' or ')}`, async () => {
      const context = await this.storage.calls.find(contextId as ContextId);
      return context && wanted.includes(context.status) ? true : null;
    });
  }

  /** A call's record as it stands. */
  async record(contextId: string): Promise<CallRecord> {
    const response = await fetch(`${this.url}/v1/calls/${contextId}`, { headers: { 'x-api-key': this.apiKey } });
    if (response.status !== 200) throw new Error(`the record answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as CallRecord;
  }

  /** A call's record once the call is over. */
  async endedRecord(contextId: string): Promise<CallRecord> {
    await this.status(contextId, 'ended', 'failed', 'expired');
    return await this.record(contextId);
  }

  /** Waits until the server takes calls, its database included. */
  async whenReady(): Promise<void> {
    await eventually('readiness', async () => {
      const response = await fetch(`${this.url}/readiness`);
      await response.body?.cancel();
      return response.status === 200 ? true : null;
    });
  }

  /** What is in use now: the gauges of calls, media and engines that are not at zero. */
  async inUse(): Promise<Record<string, number>> {
    const gauges = productGauges(readMetrics(await this.#parts.metrics.text()));
    const left = Object.entries(gauges).filter(([name, value]) => value !== 0 && !GAUGES_OF_THE_PROCESS.test(name));
    return Object.fromEntries(left);
  }

  /** Waits until nothing is in use. @throws with what still is. */
  async idle(): Promise<void> {
    let left: Record<string, number> = {};
    await eventually('every gauge at zero', async () => {
      left = await this.inUse();
      return Object.keys(left).length === 0 ? true : null;
    }).catch((cause: unknown) => {
      throw new Error(`still in use: ${JSON.stringify(left)}`, { cause });
    });
  }

  /** What went wrong so badly that a stack was logged. */
  faults(): string[] {
    return this.log.entries.filter(({ level }) => level === 'error').map(({ event, error }) => `${event}: ${error}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.rooms.disposeAsync();
  }
}

/** Looks again and again until there is something other than null. @throws Error naming what it waited for. */
export async function eventually<Value>(what: string, look: () => Promise<Value | null>): Promise<Value> {
  const deadline = performance.now() + LONG_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${LONG_MS} ms in vain for ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
