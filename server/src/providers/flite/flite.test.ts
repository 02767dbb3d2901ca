import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, test } from 'vitest';
import { textToSpeechContract } from '../../../test/contracts/text-to-speech.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../test/fakes/recording-log.ts';
import type { SpeechChunk, SpeechRequest, TextToSpeech } from '../../core/ports/text-to-speech.ts';
import { makeScratchFolder } from '../scratch-folder.ts';
import { type FliteOptions, openFlite } from './flite.ts';
import { startWasmEngine } from './wasm-engine.ts';

const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

describe('flite of npm', () => {
  textToSpeechContract(async () => ({ provider: await flite(), voice: 'slt', unknownVoice: 'alloy' }));

  test('the rate is the one of the voice: rms 16 kHz, kal 8 kHz', async () => {
    const provider = await open();

    const rms = await speak(provider, { text: 'Hello.', voice: 'rms' });
    const kal = await speak(provider, { text: 'Hello.', voice: 'kal' });

    expect(rms.map((chunk) => chunk.sampleRate)).toEqual([16_000]);
    expect(kal.map((chunk) => chunk.sampleRate)).toEqual([8_000]);
  });

  test('a text over the bound is refused with both numbers', async () => {
    const provider = await open();

    await expect(speak(provider, { text: 'word '.repeat(300) })).rejects.toMatchObject({
      code: 'provider_refused',
      detail: 'flite takes at most 1000 characters at once, got 1500: send one sentence a request',
    });
  });

  test('a text that looks like an option or a file is spoken', async () => {
    const provider = await open();

    const [chunk] = await speak(provider, { text: '-o /etc/passwd' });

    expect(chunk?.samples.length).toBeGreaterThan(8_000);
  });

  test('words of another script are refused, not passed over in silence', async () => {
    const provider = await open();

    await expect(speak(provider, { text: '你好' })).rejects.toMatchObject({ code: 'provider_refused' });
  });

  test('an unknown default voice is told when flite is opened', async () => {
    await expect(flite({ voice: 'alice' })).rejects.toMatchObject({
      code: 'invalid_parameters',
      detail: 'flite has no voice "alice", only rms, slt, awb, kal16, kal',
    });
  });
});

describe('the process of flite', () => {
  test('it runs below our priority, in its own folder, and takes the folder along when it ends', async () => {
    const before = await fliteFolders();
    const engine = await startWasmEngine();
    await engine.run({ voice: 'kal', text: 'Hello.' });
    const during = await fliteFolders();

    await engine.close();

    expect(during.length).toBe(before.length + 1);
    expect(await fliteFolders()).toEqual(before);
    expect(engine.isAlive).toBe(false);
  });

  test('when it is killed in the middle of a sentence, that sentence fails', async () => {
    const engine = await startWasmEngine();
    const sentence = expect(engine.run({ voice: 'rms', text: 'This will not be heard.' })).rejects.toMatchObject({
      code: 'provider_failed',
      detail: 'the flite process was killed by SIGKILL',
    });

    await engine.close();

    await sentence;
  });
});

describe("the system's flite", () => {
  test('it speaks through a file, with voice and text as arguments of their own', async () => {
    const searchPath = await folderWithFlite(
      'printf "%s|" "$@" > "$(dirname "$0")/arguments"; cp "$(dirname "$0")/hello.wav" "$6"',
    );
    const provider = await open({ engine: 'system', searchPath });

    const [chunk] = await speak(provider, { text: 'Say "yes"; $(no)' });

    expect(chunk).toEqual({ samples: Int16Array.of(1, -1), sampleRate: 16_000 });
  });

  test('its last words explain a failure', async () => {
    const searchPath = await folderWithFlite('echo "no sound today" >&2; exit 3');
    const provider = await open({ engine: 'system', searchPath });

    await expect(speak(provider, { text: 'Hello.' })).rejects.toMatchObject({
      code: 'provider_failed',
      detail: expect.stringMatching(/ended with exit code 3: no sound today$/),
    });
  });

  test('asked for and absent, it says where it was looked for and what to do', async () => {
    await expect(flite({ engine: 'system', searchPath: '/nowhere' })).rejects.toMatchObject({
      code: 'not_configured',
      detail: 'no flite program in /nowhere: install it (apt-get install flite) or choose the engine wasm',
    });
  });
});

function flite(options: Partial<FliteOptions> = {}): Promise<TextToSpeech> {
  return openFlite({
    engine: 'wasm',
    searchPath: '',
    clock: realClock,
    log: new RecordingLog(),
    metrics: new RecordingMetrics(),
    ...options,
  });
}

async function open(options: Partial<FliteOptions> = {}): Promise<TextToSpeech> {
  const provider = await flite(options);
  opened.push(provider);
  return provider;
}

async function speak(provider: TextToSpeech, request: Pick<SpeechRequest, 'text' | 'voice'>): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  const whole = { language: 'en-US', preferredSampleRate: 8_000, ...request };
  for await (const chunk of provider.synthesize(whole, new AbortController().signal)) chunks.push(chunk);
  return chunks;
}

async function fliteFolders(): Promise<string[]> {
  const folder = await makeScratchFolder('probe');
  await folder[Symbol.asyncDispose]();
  const names = await readdir(join(folder.path, '..'));
  return names.filter((name) => name.startsWith(`assistant-flite-${process.pid}-`)).sort();
}

/** A stand-in for Debian's program: a shell script, and the WAV file of two samples it copies. */
async function folderWithFlite(script: string): Promise<string> {
  const folder = await makeScratchFolder('fake-flite');
  opened.push(folder);
  const wav = Buffer.concat([
    Buffer.from('RIFF(\0\0\0WAVEfmt ', 'latin1'),
    Buffer.alloc(20),
    Buffer.from('data\x04\0\0\0', 'latin1'),
    Buffer.from([1, 0, 255, 255]),
  ]);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(16_000, 24);
  wav.writeUInt32LE(32_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  await mkdir(folder.path, { recursive: true });
  await writeFile(join(folder.path, 'hello.wav'), wav);
  await writeFile(join(folder.path, 'flite'), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  await chmod(join(folder.path, 'flite'), 0o755);
  return `${os.tmpdir()}/nothing-here:${folder.path}`;
}
