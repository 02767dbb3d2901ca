import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SETTINGS } from '../../src/config/settings.ts';
import { systemRandom } from '../../src/runtime/system-random.ts';
import { readPostmasterFile, stopPostmaster } from '../../src/storage/postgres/embedded/postmaster.ts';
import { isProcessAlive } from '../../src/storage/postgres/process-identity.ts';
import { newApiKey } from '../../src/vault/api-key.ts';

export const REPOSITORY = join(import.meta.dirname, '../../..');
const START_LIMIT_MS = 30_000;
/** Shorter than the tests' own limit: what fails here is taken down in order. */
const STOP_LIMIT_MS = 25_000;
const EVENT_LIMIT_MS = 15_000;
const POLL_MS = 10;

/** The words of `npm start` in package.json, run by the Node of the tests. */
const PROGRAM = [process.execPath, '--max-semi-space-size=2', 'scripts/run.mjs', 'server/src/main.ts'];

export type Account = { readonly uid: number; readonly gid: number };
export type HomeOptions = {
  /** Who the server is; ourselves when left out. */
  readonly account?: Account;
  /** Over ours. */
  readonly env?: Readonly<Record<string, string>>;
};

/** What a server leaves on this machine: a folder of its own, with the settings that go with it. One server at a time. */
export class ServerHome implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'assistant-process-'));
  readonly dataDir = join(this.folder, 'data');
  readonly assistantId = '123456789';
  readonly apiKey = newApiKey(systemRandom);
  readonly #options: HomeOptions;
  readonly #servers: ServerProcess[] = [];

  constructor(options: HomeOptions = {}) {
    this.#options = options;
    // Under uid 0 the embedded PostgreSQL is another user, who has to pass through.
    chmodSync(this.folder, 0o711);
    if (options.account) chownSync(this.folder, options.account.uid, options.account.gid);
  }

  /** Starts the server and waits until it takes calls. @throws Error with what it said when it ends before. */
  async start(options: StartOptions = {}): Promise<ServerProcess> {
    const server = this.spawn(options);
    await server.ready;
    return server;
  }

  /** Runs a command of the program to its end. */
  async command(...words: readonly string[]): Promise<Ended> {
    return await this.spawn({ words }).ended;
  }

  spawn(options: StartOptions): ServerProcess {
    const { account = {}, env = {} } = this.#options;
    const server = new ServerProcess(options, { ...this.#env(), ...env, ...options.env }, account);
    this.#servers.push(server);
    return server;
  }

  /** The process of the embedded database; null when none runs. */
  get postmaster(): number | null {
    const file = readPostmasterFile(join(this.dataDir, 'postgres'));
    return file !== null && isProcessAlive(file.pid) ? file.pid : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.kill();
    await Promise.all(this.#servers.map((server) => server.ended));
    const file = readPostmasterFile(join(this.dataDir, 'postgres'));
    if (file !== null && isProcessAlive(file.pid)) await stopPostmaster(file.pid);
    if (file !== null) rmSync(file.socketDir, { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Every setting is given, so that no .assistant.env of a developer has a say: an empty one is the default. */
  #env(): Record<string, string> {
    return {
      ...Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, ''])),
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      HOME: this.folder,
      // As npm sets it: a server whose parent is gone stops, so a test run that is killed leaves none behind.
      npm_lifecycle_event: 'start',
      HOST: '127.0.0.1',
      PORT: '0',
      AUDIOSOCKET__HOST: '127.0.0.1',
      AUDIOSOCKET__PORT: '0',
      SIP__SERVER: '127.0.0.1',
      SIP__PORT: '0',
      DATA_DIR: this.dataDir,
      DEMO__ASSISTANT_ID: this.assistantId,
      DEMO__API_KEY: this.apiKey,
    };
  }
}

export type StartOptions = {
  /** What follows `npm start --`. */
  readonly words?: readonly string[];
  /** `npm start` itself, with whatever npm puts between. */
  readonly byNpm?: boolean;
  readonly env?: Readonly<Record<string, string>>;
};

export type Ended = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string };

/** One run of the program, leader of a process group of its own as a shell makes one. */
export class ServerProcess {
  /** Resolves when calls can come. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ended>;
  readonly pid: number;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(options: StartOptions, env: Readonly<Record<string, string>>, account: Account | object) {
    const [file = '', ...args] = options.byNpm ? ['npm', 'start', '--'] : PROGRAM;
    const child = spawn(file, [...args, ...(options.words ?? [])], {
      cwd: REPOSITORY,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...account,
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    const killWithUs = () => this.kill();
    process.once('exit', killWithUs);
    this.ended = new Promise((resolve) => {
      child.once('close', (exitCode) => {
        process.off('exit', killWithUs);
        resolve({ exitCode, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
    this.ready = this.#awaitReady();
    this.ready.catch(() => undefined);
  }

  /** All it printed. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** http://host:port, as the start-up lines tell it. */
  get url(): string {
    return this.#told(/^ {2}HTTP +(\S+)/m);
  }

  get audioSocket(): { readonly host: string; readonly port: number } {
    const { hostname, port } = new URL(`tcp://${this.#told(/^ {2}AudioSocket +(\S+)/m)}`);
    return { host: hostname, port: Number(port) };
  }

  /** The events of the log under one name. */
  events(name: string): Record<string, unknown>[] {
    return this.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === name);
  }

  get logLines(): string[] {
    return this.#stdout.split('\n').filter((line) => line.startsWith('{"level"'));
  }

  /** Waits until the log has told of an event. @throws Error with what it said instead. */
  async event(name: string): Promise<Record<string, unknown>> {
    const deadline = performance.now() + EVENT_LIMIT_MS;
    for (;;) {
      const [found] = this.events(name);
      if (found) return found;
      if (performance.now() > deadline) throw new Error(`no ${name} within ${EVENT_LIMIT_MS} ms:\n${this.output}`);
      await pause(POLL_MS);
    }
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** As the terminal does for Ctrl-C: everybody in the group gets it. */
  signalGroup(name: NodeJS.Signals): void {
    process.kill(-this.pid, name);
  }

  kill(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      this.signalGroup('SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** The end, which has to come. @throws Error with what it said when it does not. */
  async end(limitMs = STOP_LIMIT_MS): Promise<Ended> {
    const late = new AbortController();
    const timer = pause(limitMs, undefined, { signal: late.signal }).then(() => {
      throw new Error(`still running after ${limitMs} ms:\n${this.output}`);
    });
    timer.catch(() => undefined);
    try {
      return await Promise.race([this.ended, timer]);
    } finally {
      late.abort();
    }
  }

  async #awaitReady(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (!/^ready in \d+ ms$/m.test(this.#stdout) || !/^ {2}data /m.test(this.#stdout)) {
      const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (hasEnded || performance.now() > deadline) throw new Error(`the server is not ready:\n${this.output}`);
      await pause(POLL_MS);
    }
  }

  #told(pattern: RegExp): string {
    const [, value] = pattern.exec(this.#stdout) ?? [];
    if (value === undefined) throw new Error(`nothing like ${pattern} in:\n${this.output}`);
    return value;
  }
}
