import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { WASI } from 'node:wasi';

/** What the server sends to this process: one sentence, voice and text already checked. */
export type FliteJob = { readonly id: number; readonly voice: string; readonly text: string };
/** What comes back: a whole WAV file, or why there is none. */
export type FliteAnswer =
  | { readonly id: number; readonly wav: Uint8Array }
  | { readonly id: number; readonly error: string };

// The program of the flite process: arguments are the wasm file and a folder of its own for the WAV files.
// flite runs synchronously and holds some 190 MB, hence a process that can be niced, killed and given back.
const [wasmFile, folder] = process.argv.slice(2);
if (!wasmFile || !folder || !process.send) throw new Error('This program is started by the flite provider');
const answer = process.send.bind(process);

// The server is gone: nobody else would remove the folder.
process.on('disconnect', () => void rm(folder, { recursive: true, force: true }).finally(() => process.exit(0)));

const compiled = readFile(wasmFile).then((bytes) => WebAssembly.compile(bytes));

process.on('message', (job: FliteJob) => {
  speak(job).then(
    (wav) => answer({ id: job.id, wav } satisfies FliteAnswer),
    (error: unknown) => answer({ id: job.id, error: String(error) } satisfies FliteAnswer),
  );
});

/** `_start` runs once in an instance, so each sentence gets a new one of the module compiled once. */
async function speak(job: FliteJob): Promise<Uint8Array> {
  const name = `${job.id}.wav`;
  const wasi = new WASI({
    version: 'preview1',
    args: ['flite', '-voice', job.voice, '-t', job.text, '-o', `/out/${name}`],
    env: {},
    preopens: { '/out': folder as string },
    returnOnExit: true,
  });
  const instance = await WebAssembly.instantiate(await compiled, wasi.getImportObject());
  const exitCode = wasi.start(instance);
  if (exitCode !== 0) throw new Error(`flite ended with exit code ${exitCode}`);
  const file = join(folder as string, name);
  const wav = await readFile(file);
  await rm(file);
  return wav;
}
