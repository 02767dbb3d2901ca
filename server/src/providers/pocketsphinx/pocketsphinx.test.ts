import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, test } from 'vitest';
import { speechToTextContract } from '../../../test/contracts/speech-to-text.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../test/fakes/recording-log.ts';
import type { UtteranceId } from '../../core/ids.ts';
import { makeScratchFolder } from '../scratch-folder.ts';
import { findPocketsphinx } from './find-pocketsphinx.ts';
import { openPocketsphinx, type Pocketsphinx } from './pocketsphinx.ts';

/** Stands in for pocketsphinx_batch: same arguments, same pipes, and an answer by the first sample of the audio. The real one is
 *  met in pocketsphinx.peers.test.ts. */
const OBEDIENT = `
while read -r name <&3; do
  sample=$(od -An -td2 -j 2000 -N 2 "$dir/$name.raw" | tr -d ' ')
  case "$sample" in
    60) printf 'no thank you (%s -1234)\\n' "$name" >&4 ;;
    36) exit 7 ;;
    *) printf 'yes (%s -99)\\n' "$name" >&4 ;;
  esac
done`;

const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

describe('pocketsphinx around a stand-in program', () => {
  speechToTextContract(async () => {
    const folder = await fakeInstallation(OBEDIENT);
    return {
      provider: await open(folder.path),
      sayings: [
        { samples: new Int16Array(4_000), words: 'Yes' },
        { samples: loud(100), words: 'No, thank you.' },
      ],
      close: async () => folder[Symbol.asyncDispose](),
    };
  });

  test('nothing expected: nothing is understood, whatever was said', async () => {
    const provider = await openFake('exit 1');

    expect(await recognise(provider, loud(100), [])).toBe('final: ');
  });

  test('words outside the dictionary are told when phrases are set', async () => {
    const log = new RecordingLog();
    const provider = await openFake(OBEDIENT, log);

    expect(await recognise(provider, new Int16Array(4_000), ['yes', 'zyzzyva desk'])).toBe('final: yes');
    expect(provider.unknownWords(['zyzzyva desk'])).toEqual(['zyzzyva', 'desk']);
    expect(log.entries.map(({ event, fields }) => [event, fields])).toEqual([
      ['speech_words_unknown', { provider: 'pocketsphinx', words: 'zyzzyva desk' }],
    ]);
  });

  test('a program that cannot start says why', async () => {
    const provider = await openFake('echo "libblas.so.3: cannot open shared object file" >&2; exit 127');

    expect(await recognise(provider, loud(100), ['yes'])).toMatch(
      /^provider_failed: .*ended with exit code 127: libblas\.so\.3: cannot open shared object file$/,
    );
  });

  test('when it dies over an utterance, the next one is answered by a new process', async () => {
    const provider = await openFake(OBEDIENT);

    expect(await recognise(provider, loud(60), ['yes'])).toMatch(/^provider_failed: .*ended with exit code 7$/);
    expect(await recognise(provider, new Int16Array(4_000), ['yes'])).toBe('final: yes');
  });

  test('an answer that belongs to nobody, or is no answer, is passed over', async () => {
    const provider = await openFake(`
      while read -r name <&3; do
        printf 'yes (u999 -1)\\nWARNING: what\\nno thank you (%s -5)\\n' "$name" >&4
      done`);

    expect(await recognise(provider, loud(100), ['yes', 'no thank you'])).toBe('final: no thank you');
  });
});

describe('finding pocketsphinx', () => {
  test('the cache folder counts only with program, model and dictionary', async () => {
    const folder = await fakeInstallation(OBEDIENT);
    opened.push(folder);

    expect(await findPocketsphinx({ searchPath: '/nowhere', cacheDir: folder.path })).toEqual({
      program: join(folder.path, 'pocketsphinx/usr/bin/pocketsphinx_batch'),
      libraryFolders: ['', '/blas', '/lapack'].map(
        (part) => join(folder.path, 'pocketsphinx/usr/lib/x86_64-linux-gnu') + part,
      ),
      acousticModel: join(folder.path, 'pocketsphinx/usr/share/pocketsphinx/model/en-us/en-us'),
      dictionary: join(folder.path, 'pocketsphinx/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict'),
      origin: 'cache',
    });
    expect(await findPocketsphinx({ searchPath: '/nowhere', cacheDir: '/nowhere' })).toBeNull();
  });

  test("the system's own comes first and needs no library folders", async () => {
    const folder = await fakeInstallation(OBEDIENT);
    opened.push(folder);

    const found = await findPocketsphinx({
      searchPath: join(folder.path, 'pocketsphinx/usr/bin'),
      cacheDir: folder.path,
    });

    expect(found).toMatchObject({ origin: 'system', libraryFolders: [] });
  });
});

test('after dispose nothing is left in memory folders', async () => {
  const probe = await makeScratchFolder('probe');
  const parent = dirname(probe.path);
  await probe[Symbol.asyncDispose]();
  const mine = async () =>
    (await readdir(parent)).filter((name) => name.startsWith(`assistant-pocketsphinx-${process.pid}-`));
  const before = await mine();
  const provider = await openFake(OBEDIENT);
  await recognise(provider, loud(100), ['yes', 'no thank you']);

  await provider[Symbol.asyncDispose]();

  expect(await mine()).toEqual(before);
});

async function openFake(script: string, log = new RecordingLog()): Promise<Pocketsphinx> {
  const folder = await fakeInstallation(script);
  opened.push(folder);
  const provider = await open(folder.path, log);
  opened.push(provider);
  return provider;
}

async function open(cacheDir: string, log = new RecordingLog()): Promise<Pocketsphinx> {
  const installation = await findPocketsphinx({ searchPath: '', cacheDir });
  if (!installation) throw new Error('The stand-in was not found');
  return openPocketsphinx({ installation, clock: realClock, log, metrics: new RecordingMetrics() });
}

async function fakeInstallation(script: string) {
  const folder = await makeScratchFolder('fake-sphinx');
  const usr = join(folder.path, 'pocketsphinx', 'usr');
  const model = join(usr, 'share', 'pocketsphinx', 'model', 'en-us');
  for (const path of [join(usr, 'bin'), join(usr, 'lib', 'x86_64-linux-gnu'), join(model, 'en-us')]) {
    await mkdir(path, { recursive: true });
  }
  await writeFile(join(model, 'en-us', 'mdef'), '');
  await writeFile(join(model, 'cmudict-en-us.dict'), 'no N OW\nthank TH AE NG K\nyes Y EH S\nyou Y UW\n');
  const program = join(usr, 'bin', 'pocketsphinx_batch');
  const readArguments =
    'while [ $# -gt 0 ]; do case "$1" in -ctl) ctl=$2 ;; -hyp) hyp=$2 ;; -fsgdir) dir=$2 ;; esac; shift 2; done';
  await writeFile(program, `#!/bin/sh\nPATH=/usr/bin:/bin\n${readArguments}\nexec 3<"$ctl" 4>"$hyp"\n${script}\n`);
  await chmod(program, 0o755);
  return folder;
}

/** Half a second whose samples all have one value; extended to 16 kHz, every other one is 0.6 times that. */
function loud(level: number): Int16Array {
  return new Int16Array(4_000).fill(level);
}

function recognise(provider: Pocketsphinx, samples: Int16Array, phrases: readonly string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const session = provider.open(
    { sampleRate: 8_000, language: 'en-US' },
    {
      interim: () => undefined,
      final: (_utteranceId, text) => resolve(`final: ${text}`),
      failed: (_utteranceId, error) => resolve(`${error.code}: ${error.detail}`),
    },
  );
  session.expect(phrases);
  session.begin(1 as UtteranceId);
  session.write(samples);
  session.finish();
  return promise.finally(() => session.close());
}
