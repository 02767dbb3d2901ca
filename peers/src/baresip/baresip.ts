import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readWav, writeWav } from '@assistant/server/audio/wav';
import type { AudioFrame } from '@assistant/server/core/audio-frame';
import { levelDbfs } from '../audio/level.ts';
import { debianProgram } from '../debian.ts';
import { freeTcpPorts, freeUdpBlock } from '../free-ports.ts';
import type { SipTarget } from '../phone/sip-leg.ts';

const HOST = '127.0.0.1';
const MODULES = ['account', 'g711', 'aufile', 'sndfile', 'ctrl_tcp', 'menu', 'uuid'] as const;
const FRAME_MS = 20;
const FRAME_SAMPLES = 160;
const VOICED_DBFS = -50;
/** UDP and TCP on one, TLS on the next. */
const SIP_PORTS = 2;
const START_MS = 10_000;
const STOP_MS = 3_000;

/** What baresip says on its control port. */
type BaresipEvent = { readonly type?: string; readonly class?: string; readonly param?: string };

export type BaresipOptions = {
  readonly target: Omit<SipTarget, 'number'>;
  /** What the phone speaks, once, from the answer on. At its end baresip hangs up, so end it with silence. */
  readonly says: AudioFrame;
  /** It registers, and again before this is over; left out: it does not. */
  readonly registerSeconds?: number;
};

/**
 * Debian's baresip without a sound card: a SIP phone that is none of ours. Driven through its control port, it keeps what it
 * hears as a WAV file. @throws DebianPackageMissing when Debian does not offer it today.
 */
export async function startBaresip({ target, says, registerSeconds = 0 }: BaresipOptions): Promise<Baresip> {
  const program = await debianProgram('baresip', 'baresip-core');
  const folder = await mkdtemp(join(tmpdir(), 'baresip-'));
  const [control = 0] = await freeTcpPorts(1);
  await writeFile(join(folder, 'says.wav'), writeWav(says));
  const modules = join(program.sharedFiles, 'lib/baresip/modules');
  await writeFile(join(folder, 'config'), config({ modules, folder, control, sipPort: await freeUdpBlock(SIP_PORTS) }));
  const { user, host, port, login } = target;
  const password = login ? `;auth_user=${login.username};auth_pass=${login.password}` : '';
  const account = `<sip:${user}@${host}:${port}>;regint=${registerSeconds};audio_codecs=PCMU${password}\n`;
  await writeFile(join(folder, 'accounts'), account);
  const [file = '', ...args] = program.command;
  const child = spawn(file, [...args, '-f', folder], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const baresip = new Baresip(child, folder);
  await baresip.control(control);
  return baresip;
}

export class Baresip implements AsyncDisposable {
  readonly events: BaresipEvent[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  #socket: Socket | undefined;
  #spoken = 0;
  #output = '';
  readonly #endWithUs = () => this.#child.kill('SIGKILL');

  constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    process.once('exit', this.#endWithUs);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-4_000);
      });
    }
  }

  /** Reaches its control port. @throws Error with its output when it does not open one. */
  async control(port: number): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!this.#socket) {
      if (this.#child.exitCode !== null || Date.now() > deadline) throw new Error(`baresip: ${this.#output}`);
      const socket = connect(port, HOST);
      this.#socket = await once(socket, 'connect').then(
        () => socket,
        () => undefined,
      );
      if (!this.#socket) await sleep(50);
    }
    let held = '';
    this.#socket.setEncoding('utf8').on('data', (text: string) => {
      held = this.#readNetstrings(held + text);
    });
  }

  dial(uri: string): void {
    this.#command('dial', uri);
  }

  /** Takes the call that rings. */
  accept(): void {
    this.#command('accept');
  }

  hangUp(): void {
    this.#command('hangup');
  }

  /** By a re-INVITE, as `resume`. */
  hold(): void {
    this.#command('hold');
  }

  resume(): void {
    this.#command('resume');
  }

  /** Speaks this from now on, whatever it spoke before. At its end baresip hangs up, so end it with silence. */
  async say(sound: AudioFrame): Promise<void> {
    const file = join(this.#folder, `says-${this.#spoken++}.wav`);
    await writeFile(file, writeWav(sound));
    this.#command('ausrc', `aufile,${file}`);
  }

  /** Presses keys by RFC 4733, 120 ms each. */
  async press(keys: string): Promise<void> {
    for (const key of keys) {
      this.#command('sndcode', key);
      await sleep(120);
      this.#command('sndcode', '\u0004');
      await sleep(120);
    }
  }

  /** Waits for an event of a call: CALL_ESTABLISHED, CALL_CLOSED. @throws Error when it does not come. */
  async happened(type: string, timeoutMs = 20_000): Promise<BaresipEvent> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const event = this.events.find((each) => each.type === type);
      if (event) return event;
      if (Date.now() > deadline) throw new Error(`baresip had no ${type}: ${this.#output}`);
      await sleep(20);
    }
  }

  /** Waits until its registrar has taken it: the account is green. @throws Error when it does not. */
  async registered(timeoutMs = 10_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    // It registers before its control port can be reached, and tells nobody again.
    while (!/ 200 OK .*\[1 binding\]/.test(this.#output)) {
      if (Date.now() > deadline) throw new Error(`baresip is not registered: ${this.#output}`);
      await sleep(20);
    }
  }

  /** Waits until it has heard `voicedMs` of sound, counted from now. @throws Error when it does not come. */
  async heardVoice(voicedMs: number, timeoutMs = 20_000): Promise<void> {
    const before = (await this.#levels()).length;
    await this.#heardSuch(`${voicedMs} ms of voice`, timeoutMs, (frames) => {
      return frames.slice(before).filter(isVoiced).length * FRAME_MS >= voicedMs;
    });
  }

  /** Waits until sound was heard, and then none for `quietMs`. @throws Error when it does not come. */
  async heardOut(quietMs: number, timeoutMs = 30_000): Promise<void> {
    await this.#heardSuch(`${quietMs} ms of quiet`, timeoutMs, (frames) => {
      const last = frames.findLastIndex(isVoiced);
      return last >= 0 && (frames.length - 1 - last) * FRAME_MS >= quietMs;
    });
  }

  /** What it has heard; while the call lasts, what of it is in the file. */
  async heard(): Promise<AudioFrame> {
    const name = (await readdir(this.#folder)).find((file) => file.endsWith('-dec.wav'));
    if (!name) throw new Error(`baresip recorded nothing: ${this.#output}`);
    return readWav(await readFile(join(this.#folder, name)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#endWithUs);
    this.#socket?.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #heardSuch(what: string, timeoutMs: number, isMet: (dbfs: readonly number[]) => boolean): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (isMet(await this.#levels())) return;
      if (Date.now() > deadline) throw new Error(`baresip did not hear ${what}: ${this.#output}`);
      await sleep(50);
    }
  }

  /** Of each 20 ms it has heard. */
  async #levels(): Promise<number[]> {
    // Before the first packet there is no file.
    const { samples } = await this.heard().catch(() => ({ samples: new Int16Array(0) }));
    const count = Math.floor(samples.length / FRAME_SAMPLES);
    return Array.from({ length: count }, (_, at) => levelDbfs(samples, at * FRAME_SAMPLES, (at + 1) * FRAME_SAMPLES));
  }

  /** A JSON object in a netstring (ctrl_tcp of baresip). */
  #command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command });
    this.#socket?.write(`${Buffer.byteLength(text)}:${text},`);
  }

  #readNetstrings(text: string): string {
    let rest = text;
    for (let match = /^(\d+):/.exec(rest); match; match = /^(\d+):/.exec(rest)) {
      const start = match[0].length;
      const end = start + Number(match[1]);
      if (rest.length <= end) return rest;
      this.events.push(JSON.parse(rest.slice(start, end)) as BaresipEvent);
      rest = rest.slice(end + 1);
    }
    return rest;
  }
}

function isVoiced(dbfs: number): boolean {
  return dbfs > VOICED_DBFS;
}

type Places = {
  readonly modules: string;
  readonly folder: string;
  readonly control: number;
  readonly sipPort: number;
};

function config({ modules, folder, control, sipPort }: Places): string {
  return [
    `sip_listen ${HOST}:${sipPort}`,
    `net_interface ${HOST}`,
    'call_max_calls 1',
    `audio_source aufile,${join(folder, 'says.wav')}`,
    `audio_player aufile,${join(folder, 'played.wav')}`,
    `audio_alert aufile,${join(folder, 'alert.wav')}`,
    `module_path ${modules}`,
    ...MODULES.map((name) => `module ${name}.so`),
    `ctrl_tcp_listen ${HOST}:${control}`,
    `snd_path ${folder}`,
    'rtp_stats no',
    '',
  ].join('\n');
}
