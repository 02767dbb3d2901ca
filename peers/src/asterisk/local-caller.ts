import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readWav } from '@assistant/server/audio/wav';
import type { AudioFrame } from '@assistant/server/core/audio-frame';
import type { Asterisk } from './asterisk.ts';

export type LocalCall = {
  /** A number of the dialplan's [lines]. */
  readonly number: string;
  /** Applications of Asterisk the caller goes through: `Playback(silence/2)`, `SendDTMF(12#)`. Then it hangs up. */
  readonly steps: readonly string[];
  readonly callerId?: string;
  readonly variables?: Readonly<Record<string, string>>;
};

/** Both sides of a call as Asterisk recorded them, 8 kHz. */
export type LocalRecording = { readonly heard: AudioFrame; readonly said: AudioFrame };

const END_MS = 60_000;
const POLL_MS = 50;

/** A caller inside Asterisk, made of its own applications over a Local channel; returns once the call is over. */
export async function callLocally(asterisk: Asterisk, call: LocalCall): Promise<LocalRecording> {
  const name = crypto.randomUUID();
  const path = asterisk.recordingPath(name);
  await asterisk.ari.originate({
    endpoint: `Local/${call.number}@lines/n`,
    context: 'caller',
    extension: 'steps',
    ...(call.callerId === undefined ? {} : { callerId: call.callerId }),
    variables: { STEPS: call.steps.join('|'), RECORDING: path, ...call.variables },
  });
  const deadline = Date.now() + END_MS;
  while ((await asterisk.ari.channels()).some((channel) => channel.startsWith(`Local/${call.number}@lines`))) {
    if (Date.now() > deadline) throw new Error(`the call to ${call.number} does not end:\n${await asterisk.log(20)}`);
    await sleep(POLL_MS);
  }
  // MixMonitor writes its files' ends in a thread of its own.
  await sleep(4 * POLL_MS);
  return { heard: await sound(`${path}-heard.wav`), said: await sound(`${path}-said.wav`) };
}

async function sound(file: string): Promise<AudioFrame> {
  return readWav(await readFile(file));
}
