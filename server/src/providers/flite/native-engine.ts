import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { Engine } from '../engine-pool.ts';
import { NicedProcess } from '../niced-process.ts';
import { makeScratchFolder, type ScratchFolder } from '../scratch-folder.ts';
import type { Sentence } from './sentence.ts';

/** An engine around the system's own flite: it starts in a few milliseconds, so each sentence is a process of its own.
 *  The WAV goes through a file, since Node's pipes to a child are sockets and flite cannot open those. */
export async function startNativeEngine(program: string): Promise<Engine<Sentence, Uint8Array>> {
  return new NativeEngine(program, await makeScratchFolder('flite'));
}

class NativeEngine implements Engine<Sentence, Uint8Array> {
  readonly #program: string;
  readonly #folder: ScratchFolder;
  #running: NicedProcess | undefined;
  #lastId = 0;
  #closed: Promise<void> | undefined;

  constructor(program: string, folder: ScratchFolder) {
    this.#program = program;
    this.#folder = folder;
  }

  get isAlive(): boolean {
    return this.#closed === undefined;
  }

  async run({ voice, text }: Sentence): Promise<Uint8Array> {
    const file = join(this.#folder.path, `${++this.#lastId}.wav`);
    this.#running = new NicedProcess(
      spawn(this.#program, ['-voice', voice, '-t', text, '-o', file], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] }),
    );
    const { child, ended } = this.#running;
    const how = await ended;
    try {
      if (child.exitCode !== 0) throw new AppError('provider_failed', { detail: `${this.#program} ${how}` });
      return await readFile(file);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('provider_failed', { detail: `${this.#program} ${how} and left no audio`, cause });
    } finally {
      await rm(file, { force: true });
    }
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#running?.kill();
      await this.#folder[Symbol.asyncDispose]();
    })();
    return this.#closed;
  }
}
