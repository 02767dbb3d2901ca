import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AssistantSettings } from '@assistant/server/core/assistant/assistant-settings';
import { systemRandom } from '@assistant/server/runtime/system-random';
import { newApiKey } from '@assistant/server/vault/api-key';
import { repositoryFolder } from '../cache-folder.ts';
import { freeSipPort, freeTcpPorts, freeUdpBlock } from '../free-ports.ts';
import { httpGet } from '../http-get.ts';
import { requestCall } from '../phone/phase-one.ts';
import { runProgram } from '../run-program.ts';
import type { CallRecord } from './call-record.ts';
import { type Metrics, readMetrics } from './metrics.ts';
import { publishSettings } from './publish-settings.ts';

const HOST = '127.0.0.1';
export const ASSISTANT_ID = '123456789';
const RTP_PORTS = 400;
const START_MS = 60_000;
const STOP_MS = 20_000;
/** USER_HZ of Linux is 100 everywhere. */
const CLOCK_TICK_MS = 10;
const KEPT_OUTPUT = 20_000;
/** Of our own environment only what programs need to run: no settings, no keys. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'LANG'] as const;

export type ServerOptions = {
  /** Settings of the demo assistant; the built-in ones when left out. */
  readonly settings?: AssistantSettings;
  /** More environment, or other. */
  readonly env?: Readonly<Record<string, string>>;
};

type Ports = { readonly http: number; readonly audioSocket: number; readonly sip: number; readonly rtp: number };

/**
 * The whole server as a child process on ports of its own, with a new data folder: what `npm start` would run. Resolves when
 * it is ready for calls. @throws Error with the end of its output when it does not get there.
 */
export async function startServer(options: ServerOptions = {}): Promise<ServerUnderTest> {
  const server = await ServerUnderTest.prepare(options.env ?? {});
  try {
    await server.start();
    if (!options.settings) return server;
    // No API makes an assistant yet: the database is the door, and it opens only while the server is down.
    await server.stop();
    await publishSettings(server.dataDir, ASSISTANT_ID, options.settings);
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

export class ServerUnderTest implements AsyncDisposable {
  readonly dataDir: string;
  readonly apiKey = newApiKey(systemRandom);
  readonly assistantId = ASSISTANT_ID;
  readonly #ports: Ports;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #output = '';
  readonly #endWithUs = () => this.#child?.kill('SIGKILL');

  private constructor(dataDir: string, ports: Ports, env: Readonly<Record<string, string>>) {
    this.dataDir = dataDir;
    this.#ports = ports;
    this.#env = env;
  }

  static async prepare(env: Readonly<Record<string, string>>): Promise<ServerUnderTest> {
    const [http = 0, audioSocket = 0] = await freeTcpPorts(2);
    const ports = { http, audioSocket, sip: await freeSipPort(), rtp: await freeUdpBlock(RTP_PORTS) };
    const folder = await mkdtemp(join(tmpdir(), 'assistant-'));
    // Under uid 0 the embedded PostgreSQL runs as another user, who must be able to pass through.
    await chmod(folder, 0o711);
    return new ServerUnderTest(folder, ports, env);
  }

  get url(): string {
    return `${this.#env['TLS__CERT'] === undefined ? 'http' : 'https'}://${this.http}`;
  }

  /** host:port */
  get http(): string {
    return `${HOST}:${this.#ports.http}`;
  }

  get audioSocket(): { readonly host: string; readonly port: number } {
    return { host: HOST, port: this.#ports.audioSocket };
  }

  /** host:port */
  get sip(): string {
    return `${HOST}:${this.#ports.sip}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#output;
  }

  async start(): Promise<void> {
    const [file = '', ...args] = this.#program;
    const child = spawn(file, args, {
      cwd: this.dataDir,
      env: this.#childEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    process.once('exit', this.#endWithUs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
      });
    }
    const deadline = Date.now() + START_MS;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`the server is not ready:\n${this.#output}`);
      await sleep(50);
    }
  }

  /** Runs another command of the program to its end: `speech install`. @throws Error with what it said. */
  async command(...words: readonly string[]): Promise<string> {
    const [file = '', ...args] = this.#program;
    return await runProgram([file, ...args, ...words], { cwd: this.dataDir, env: this.#childEnv() });
  }

  /** TERM, and KILL when it does not follow. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    process.off('exit', this.#endWithUs);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** A GET with the API key, its body parsed. @throws Error for any status but 200. */
  async get(path: string): Promise<unknown> {
    const answer = await httpGet(`${this.url}${path}`, { 'x-api-key': this.apiKey }).catch((cause: unknown) => {
      const { exitCode, signalCode } = this.#child ?? {};
      const state = `exit ${exitCode}, signal ${signalCode}`;
      throw new Error(`GET ${path} failed; the server (${state}) said:\n${this.#output}`, { cause });
    });
    if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${answer.body.slice(0, 300)}`);
    return JSON.parse(answer.body);
  }

  /** A POST with the API key, the answer's body parsed. @throws Error for any status but 2xx. */
  async post(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'x-api-key': this.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(`POST ${path} answered ${answer.status}: ${text}; the server said:\n${this.#output}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Phase 1 of a call to its assistant. @throws Error with the end of its output when it refuses. */
  async requestCall(from = '15551234'): Promise<string> {
    try {
      const { contextId } = await requestCall({ url: this.url, assistantId: ASSISTANT_ID, apiKey: this.apiKey, from });
      return contextId;
    } catch (cause) {
      throw new Error(`${cause instanceof Error ? cause.message : cause}; the server said:\n${this.#output}`, {
        cause,
      });
    }
  }

  /** A call's record once it is ended. */
  async endedCall(contextId: string, timeoutMs = 10_000): Promise<CallRecord> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const record = (await this.get(`/v1/calls/${contextId}`)) as CallRecord;
      if (record.call.status === 'ended' || record.call.status === 'failed') return record;
      if (Date.now() > deadline) throw new Error(`call ${contextId} is still ${record.call.status}`);
      await sleep(50);
    }
  }

  /** The newest call. */
  async lastContextId(): Promise<string> {
    const page = (await this.get('/v1/calls?limit=1')) as { calls: { contextId: string }[] };
    const [call] = page.calls;
    if (!call) throw new Error('there was no call');
    return call.contextId;
  }

  async metrics(): Promise<Metrics> {
    const { body } = await httpGet(`${this.url}/metrics`, { 'x-api-key': this.apiKey });
    return readMetrics(body);
  }

  /** CPU time of its process so far, ms; the database's processes are not counted. */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
  }

  /** Open files of its process. */
  openFiles(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  get #program(): readonly string[] {
    return [process.execPath, join(repositoryFolder(), 'server/src/main.ts')];
  }

  async #isReady(): Promise<boolean> {
    const answer = await httpGet(`${this.url}/readiness/`).catch(() => null);
    return answer?.status === 200;
  }

  #childEnv(): Record<string, string> {
    const inherited = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
    return {
      ...Object.fromEntries(inherited),
      HOST,
      PORT: String(this.#ports.http),
      AUDIOSOCKET__HOST: HOST,
      AUDIOSOCKET__PORT: String(this.#ports.audioSocket),
      SIP__SERVER: HOST,
      SIP__PORT: String(this.#ports.sip),
      SIP__RTP_PORT_RANGE_START: String(this.#ports.rtp),
      SIP__RTP_PORT_RANGE_END: String(this.#ports.rtp + RTP_PORTS - 1),
      DATA_DIR: join(this.dataDir, 'data'),
      DEMO__ASSISTANT_ID: ASSISTANT_ID,
      DEMO__API_KEY: this.apiKey,
      LOG_LEVEL: 'warn',
      SHUTDOWN__GRACE: '1',
      ...this.#env,
    };
  }
}
