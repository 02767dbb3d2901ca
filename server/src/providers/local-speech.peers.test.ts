import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Saying, speechToTextContract } from '../../test/contracts/speech-to-text.ts';
import { realClock } from '../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../test/fakes/recording-log.ts';
import { decodeMulaw, encodeMulaw } from '../audio/g711.ts';
import { resampleWhole } from '../audio/resampler.ts';
import type { UtteranceId } from '../core/ids.ts';
import type { TextToSpeech } from '../core/ports/text-to-speech.ts';
import { openFlite } from './flite/flite.ts';
import type { PocketsphinxInstallation } from './pocketsphinx/find-pocketsphinx.ts';
import { installLocalSpeech } from './pocketsphinx/install-local-speech.ts';
import { openPocketsphinx, type Pocketsphinx } from './pocketsphinx/pocketsphinx.ts';

const SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin';
const VOICES = ['rms', 'slt', 'awb', 'kal16'] as const;
const MENU = [
  'yes',
  'no',
  'billing',
  'technical support',
  'talk to an agent',
  'opening hours',
  'leave a message',
  'repeat that',
  'sales please',
  'goodbye',
] as const;

let installation: PocketsphinxInstallation;
let voice: TextToSpeech;
const lines: string[] = [];

beforeAll(async () => {
  // Fails by the name of what is missing: apt-get, a package, disk, or a program that does not run.
  const cacheDir = join(import.meta.dirname, '../../../.cache/peers');
  await rm(join(cacheDir, 'pocketsphinx'), { recursive: true, force: true });
  installation = await installLocalSpeech({
    cacheDir,
    searchPath: SEARCH_PATH,
    clock: realClock,
    log: (line) => lines.push(line),
  });
  voice = await openFlite({ engine: 'wasm', searchPath: '', ...surroundings() });
});

afterAll(async () => {
  await voice?.[Symbol.asyncDispose]();
});

describe('pocketsphinx of Debian', () => {
  speechToTextContract(async () => ({
    provider: await open(),
    sayings: [await sayingOf('technical support'), await sayingOf('yes')],
  }));

  test('it came with the system, or says what it fetched and how large that was', () => {
    expect(lines.join('\n')).toMatch(/is there already|Fetching \d+ packages, \d+ MB: pocketsphinx, /);
  });

  test('ten menu phrases in four synthetic voices over a μ-law line: at least 38 of 40 are understood', async () => {
    const provider = await open();
    const wrong: string[] = [];
    for (const name of VOICES) {
      for (const phrase of MENU) {
        const { samples } = await sayingOf(phrase, name);
        const text = await recognise(provider, samples, MENU);
        if (text !== phrase) wrong.push(`${name} said "${phrase}", understood "${text}"`);
      }
    }
    await provider[Symbol.asyncDispose]();

    expect(wrong.length, wrong.join('; ')).toBeLessThanOrEqual(2);
  });

  test('silence is understood as nothing', async () => {
    const provider = await open();

    expect(await recognise(provider, new Int16Array(8_000), MENU)).toBe('');
    await provider[Symbol.asyncDispose]();
  });

  test('an unknown word leaves the other phrases alive', async () => {
    const provider = await open();
    const { samples } = await sayingOf('yes');

    expect(await recognise(provider, samples, ['yes', 'no', 'zzyzzyva'])).toBe('yes');
    await provider[Symbol.asyncDispose]();
  });
});

function surroundings() {
  return { clock: realClock, log: new RecordingLog(), metrics: new RecordingMetrics() };
}

function open(): Promise<Pocketsphinx> {
  return openPocketsphinx({ installation, ...surroundings() });
}

/** The words as a telephone line carries them: 8 kHz, μ-law there and back. */
async function sayingOf(words: string, name: (typeof VOICES)[number] = 'rms'): Promise<Saying> {
  const request = { text: words, language: 'en-US', voice: name, preferredSampleRate: 8_000 };
  for await (const chunk of voice.synthesize(request, new AbortController().signal)) {
    const samples = resampleWhole(chunk.samples, chunk.sampleRate, 8_000);
    const line = new Uint8Array(samples.length);
    encodeMulaw(samples, line);
    decodeMulaw(line, samples);
    return { samples, words };
  }
  throw new Error(`flite said nothing for "${words}"`);
}

function recognise(provider: Pocketsphinx, samples: Int16Array, phrases: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const listener = {
    interim: () => undefined,
    final: (_id: UtteranceId, text: string) => resolve(text),
    failed: (_id: UtteranceId, error: Error) => reject(error),
  };
  const session = provider.open({ sampleRate: 8_000, language: 'en-US' }, listener);
  session.expect(phrases);
  session.begin(1 as UtteranceId);
  session.write(samples);
  session.finish();
  return promise.finally(() => session.close());
}
