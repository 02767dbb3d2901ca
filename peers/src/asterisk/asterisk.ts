import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DebianPackageMissing } from '../debian/apt.ts';
import { type PrivateRoot, privateRoot } from '../debian/private-root.ts';
import { freeTcpPorts, freeUdpBlock, freeUdpPort } from '../free-ports.ts';
import type { SipTarget } from '../phone/sip-leg.ts';
import { tryProgram } from '../run-program.ts';
import { Ari } from './ari.ts';
import { writeConfigFiles } from './config-files.ts';

/** Bookworm has no Asterisk at all; sid has 22. */
const SUITE = 'sid';
const WANTED_VERSION = /^Asterisk 22\./;
const HOST = '127.0.0.1';
const RTP_PORTS = 400;
const BOOT_MS = 20_000;
const STOP_MS = 3_000;
const ARI_USER = 'peer';
const PHONE_USER = 'phone';
const PHONE_PASSWORD = 'phone-password';

/** The assistant that Asterisk's dialplan and trunk point at. */
export type AsteriskTarget = {
  /** host:port of its HTTP server */
  readonly http: string;
  readonly audioSocket: { readonly host: string; readonly port: number };
  /** host:port of its SIP server */
  readonly sip?: string;
  readonly assistantId: string;
  readonly apiKey: string;
};

export type AsteriskOptions = {
  /** Configuration files by name, in place of ours (peers/asterisk/etc) or beside them; `@NAMES@` are filled in here too. */
  readonly files?: Readonly<Record<string, string>>;
  /** The login of `files`' own ari.conf; a random one of ours when left out. */
  readonly ariLogin?: { readonly user: string; readonly password: string };
};

/**
 * A real Asterisk 22 on loopback, unpacked from Debian's packages into the cache, with ports and a run folder of its own:
 * several may run at once. @throws DebianPackageMissing when Debian does not offer Asterisk 22 today.
 */
export async function startAsterisk(target: AsteriskTarget, options: AsteriskOptions = {}): Promise<Asterisk> {
  const root = await privateRoot(SUITE, ['asterisk']);
  await linkSounds(join(root.path, 'usr/share/asterisk/sounds'));
  const runFolder = await mkdtemp(join(tmpdir(), 'asterisk-'));
  const [httpPort = 0] = await freeTcpPorts(1);
  const ports = { http: httpPort, sip: await freeUdpPort(), rtp: await freeUdpBlock(RTP_PORTS) };
  const ariLogin = options.ariLogin ?? { user: ARI_USER, password: crypto.randomUUID() };
  await writeConfigFiles(runFolder, configValues(target, { root, runFolder, ports, ariLogin }), options.files);
  const command = [...root.command('asterisk'), '-C', join(runFolder, 'etc/asterisk.conf')];
  const asterisk = new Asterisk({ command, runFolder, ports, ariLogin });
  await asterisk.boot();
  return asterisk;
}

/** What the package's own script would link, and the prompt of the dialplan's error branch: Debian's core sounds lack it. */
async function linkSounds(sounds: string): Promise<void> {
  const links = [
    ['en_US_f_Allison', 'en'],
    ['something-terribly-wrong.gsm', 'en_US_f_Allison/an-error-has-occurred.gsm'],
  ] as const;
  for (const [target, name] of links) {
    if (!existsSync(join(sounds, name))) await symlink(target, join(sounds, name)).catch(() => undefined);
  }
}

type Ports = { readonly http: number; readonly sip: number; readonly rtp: number };
type Run = {
  readonly command: readonly string[];
  readonly runFolder: string;
  readonly ports: Ports;
  readonly ariLogin: { readonly user: string; readonly password: string };
};

/** A running Asterisk. Its run folder goes when it stops. */
export class Asterisk implements AsyncDisposable {
  readonly ari: Ari;
  readonly ariLogin: Run['ariLogin'];
  readonly ports: Ports;
  readonly runFolder: string;
  readonly #command: readonly string[];
  #process: ChildProcess | undefined;
  readonly #endWithUs = () => this.#process?.kill('SIGKILL');

  constructor({ command, runFolder, ports, ariLogin }: Run) {
    this.#command = command;
    this.runFolder = runFolder;
    this.ports = ports;
    this.ariLogin = ariLogin;
    this.ari = new Ari(this.ariUrl, ariLogin.user, ariLogin.password);
  }

  /** What a credential's `ari_url` is. */
  get ariUrl(): string {
    return `http://${HOST}:${this.ports.http}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** The words that start its console program; `-rx COMMAND` follows. */
  get consoleCommand(): readonly string[] {
    return this.#command;
  }

  /** @throws Error with the end of its log when it does not boot, DebianPackageMissing for another version. */
  async boot(): Promise<void> {
    const [file = '', ...args] = this.#command;
    // -f: stays our child, so its end is ours to decide and to see.
    const child = spawn(file, [...args, '-f'], { cwd: this.runFolder, stdio: 'ignore' });
    this.#process = child;
    process.once('exit', this.#endWithUs);
    const deadline = Date.now() + BOOT_MS;
    while (!(await this.cli('core waitfullybooted')).includes('fully booted')) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`Asterisk did not boot:\n${await this.log(20)}`);
      await sleep(50);
    }
    const version = await this.cli('core show version');
    if (!WANTED_VERSION.test(version)) {
      await this[Symbol.asyncDispose]();
      throw new DebianPackageMissing(
        `Debian ${SUITE} offers ${version.slice(0, 40)}; these suites are for Asterisk 22`,
      );
    }
  }

  /** Runs a console command and returns what it printed; an Asterisk that is not there prints nothing. */
  async cli(command: string): Promise<string> {
    const { stdout } = await tryProgram([...this.#command, '-rx', command]);
    return stdout;
  }

  /** The last lines of its log. */
  async log(lines = 200): Promise<string> {
    const text = await readFile(join(this.runFolder, 'log/messages'), 'utf8').catch(() => '');
    return text.split('\n').slice(-lines).join('\n');
  }

  /** How a phone dials a number of the dialplan's [lines]. */
  phoneTo(number: string): SipTarget {
    const login = { username: PHONE_USER, password: PHONE_PASSWORD };
    return { host: HOST, port: this.ports.sip, number, user: PHONE_USER, login };
  }

  /** Where a call's recording goes: without its ending. */
  recordingPath(name: string): string {
    return join(this.runFolder, 'rec', name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    process.off('exit', this.#endWithUs);
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    }
    await rm(this.runFolder, { recursive: true, force: true });
  }
}

function configValues(
  target: AsteriskTarget,
  run: Omit<Run, 'command'> & { readonly root: PrivateRoot },
): Record<string, string> {
  const sip = target.sip ?? `${HOST}:5090`;
  return {
    RUN: run.runFolder,
    MODULES: join(run.root.libraries, 'asterisk/modules'),
    DATA: join(run.root.path, 'usr/share/asterisk'),
    BIND: HOST,
    HTTP_PORT: String(run.ports.http),
    SIP_PORT: String(run.ports.sip),
    RTP_START: String(run.ports.rtp),
    RTP_END: String(run.ports.rtp + RTP_PORTS - 1),
    ARI_USER: run.ariLogin.user,
    ARI_PASSWORD: run.ariLogin.password,
    PHONE_PASSWORD,
    RAPIDA_HOST: target.http,
    RAPIDA_AS_HOST: target.audioSocket.host,
    RAPIDA_PORT: String(target.audioSocket.port),
    RAPIDA_SIP: sip,
    RAPIDA_SIP_HOST: sip.slice(0, sip.lastIndexOf(':')),
    RAPIDA_API_KEY: target.apiKey,
    ASSISTANT_ID: target.assistantId,
  };
}
