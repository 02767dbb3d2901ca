import { execFile, spawn } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Engine } from '../engine-pool.ts';
import { NicedProcess } from '../niced-process.ts';
import { makeScratchFolder, type ScratchFolder } from '../scratch-folder.ts';
import type { PocketsphinxInstallation } from './find-pocketsphinx.ts';

/** A whole utterance at 16 kHz and the grammar it is held against. */
export type BatchJob = { readonly samples: Int16Array; readonly fsg: string };

/** Loading the model took 0.1 to 0.5 s; a busy machine takes longer. */
const START_TIMEOUT_MS = 5_000;
/** pocketsphinx says nothing at all about a job it cannot do. */
const ANSWER_TIMEOUT_MS = 1_000;
/** And 16 ms a clip of 2 s: so much for longer ones on a busy core. */
const ANSWER_TIMEOUT_PER_SECOND_MS = 100;
/** One unanswered job may be the job's fault; the second in a row is the process's. */
const MAX_SILENCES = 2;
const SAMPLE_RATE = 16_000;
/** `words (name score)`; the score of a silent answer is a stale one, so it says nothing. */
const ANSWER = /^(.*?)\s*\((\S+) -?\d+\)$/;
const FIFOS = ['ctl', 'fsgctl', 'hyp'] as const;

/** Starts one pocketsphinx_batch that stays: three named pipes carry a grammar's name, an utterance's name and the answer, so
 *  the model is loaded once and each utterance brings a grammar of its own (16 ms instead of 130 ms for a process each). */
export async function startBatchEngine(
  installation: PocketsphinxInstallation,
  clock: Clock,
): Promise<Engine<BatchJob, string>> {
  const folder = await makeScratchFolder('pocketsphinx');
  const path = (name: string) => join(folder.path, name);
  try {
    await promisify(execFile)('mkfifo', FIFOS.map(path));
    // Opened for both directions: neither side waits for the other, and no end of file comes between two utterances.
    const [ctl, fsgctl, hyp] = FIFOS.map((name) => openSync(path(name), constants.O_RDWR | constants.O_NONBLOCK));
    const pipes: Pipes = {
      ctl: ctl as number,
      fsgctl: fsgctl as number,
      answers: new Socket({ fd: hyp as number, readable: true, writable: false }),
    };
    const child = spawn(installation.program, argumentsOf(installation, path), {
      // Nothing of our environment: it holds keys.
      env: { LD_LIBRARY_PATH: installation.libraryFolders.join(':') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new BatchEngine(new NicedProcess(child), folder, pipes, clock);
  } catch (cause) {
    await folder[Symbol.asyncDispose]();
    throw new AppError('provider_failed', { detail: 'pocketsphinx could not be started', cause });
  }
}

type Pipes = { readonly ctl: number; readonly fsgctl: number; readonly answers: Socket };

type Waiting = {
  readonly name: string;
  readonly resolve: (words: string) => void;
  readonly reject: (error: AppError) => void;
};

class BatchEngine implements Engine<BatchJob, string> {
  readonly #process: NicedProcess;
  readonly #folder: ScratchFolder;
  readonly #pipes: Pipes;
  readonly #clock: Clock;
  /** The job under way. */
  #waiting: Waiting | undefined;
  #unread = '';
  #lastJob = 0;
  #hasAnswered = false;
  #silences = 0;
  #closed: Promise<void> | undefined;

  constructor(process: NicedProcess, folder: ScratchFolder, pipes: Pipes, clock: Clock) {
    this.#process = process;
    this.#folder = folder;
    this.#pipes = pipes;
    this.#clock = clock;
    pipes.answers.setEncoding('latin1').on('data', (text: string) => this.#read(text));
    pipes.answers.on('error', () => void this.close());
    void process.ended.then((how) => this.#waiting?.reject(failure(`pocketsphinx ${how}`)));
  }

  get isAlive(): boolean {
    return this.#process.isAlive && this.#closed === undefined;
  }

  async run(job: BatchJob): Promise<string> {
    const name = `u${++this.#lastJob}`;
    const audio = join(this.#folder.path, `${name}.raw`);
    const grammar = join(this.#folder.path, `${name}.fsg`);
    try {
      await Promise.all([writeFile(audio, bytesOf(job.samples)), writeFile(grammar, job.fsg)]);
      if (!this.isAlive) throw failure(`pocketsphinx ${await this.#process.ended}`);
      return await this.#ask(name, job.samples.length / SAMPLE_RATE);
    } finally {
      await Promise.all([rm(audio, { force: true }), rm(grammar, { force: true })]);
    }
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#process.kill();
      this.#pipes.answers.destroy();
      closeSync(this.#pipes.ctl);
      closeSync(this.#pipes.fsgctl);
      await this.#folder[Symbol.asyncDispose]();
    })();
    return this.#closed;
  }

  async #ask(name: string, seconds: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting = { name, resolve, reject };
    const limitMs = (this.#hasAnswered ? ANSWER_TIMEOUT_MS : START_TIMEOUT_MS) + seconds * ANSWER_TIMEOUT_PER_SECOND_MS;
    const limit = this.#clock.after(limitMs, () => {
      if (++this.#silences >= MAX_SILENCES) void this.close();
      reject(failure(`pocketsphinx gave no answer within ${Math.round(limitMs)} ms`));
    });
    try {
      writeSync(this.#pipes.fsgctl, `${name}\n`);
      writeSync(this.#pipes.ctl, `${name}\n`);
      return await promise;
    } finally {
      limit.cancel();
      this.#waiting = undefined;
    }
  }

  #read(text: string): void {
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines) {
      const [, words = '', name] = ANSWER.exec(line.trim()) ?? [];
      // An answer that comes after its time-out has nobody who waits for it.
      if (name === undefined || name !== this.#waiting?.name) continue;
      this.#hasAnswered = true;
      this.#silences = 0;
      this.#waiting.resolve(words);
    }
  }
}

function failure(detail: string): AppError {
  return new AppError('provider_failed', { detail });
}

function argumentsOf(installation: PocketsphinxInstallation, path: (name: string) => string): string[] {
  const folder = path('');
  return [
    ['-hmm', installation.acousticModel],
    ['-dict', installation.dictionary],
    ['-adcin', 'yes'],
    ['-ctl', path('ctl')],
    ['-cepdir', folder],
    ['-cepext', '.raw'],
    ['-fsgctl', path('fsgctl')],
    ['-fsgdir', folder],
    ['-fsgext', '.fsg'],
    ['-hyp', path('hyp')],
    ['-logfn', '/dev/null'],
  ].flat();
}

/** Raw 16-bit samples in the machine's order, which is what pocketsphinx reads. */
function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}
