import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readWav } from '@assistant/server/audio/wav';
import { resampled } from '../audio/resample.ts';
import type { PhoneArguments, PhoneStep } from './arguments.ts';
import { bargeInStopMs } from './call-figures.ts';
import { type Phone, PhoneGaveUp } from './phone.ts';
import type { CallerSpeech, CallerVoice } from './speech.ts';

/** A step with its sound made, so that no synthesis delays it in the call. */
type ReadyStep =
  | { readonly type: 'sound'; readonly name: string; readonly samples: Int16Array }
  | { readonly type: 'keys'; readonly keys: string }
  | { readonly type: 'stay'; readonly ms: number };

export type ScriptedCall = { readonly bargeInStopMs: number | null; readonly gaveUp: string | null };

const QUIET_MS = 1_200;

/** Makes the sounds of a script. @throws Error for a WAV file that cannot be read. */
export async function prepareSteps(
  steps: readonly PhoneStep[],
  speech: CallerSpeech,
  options: { readonly voice: CallerVoice; readonly sampleRate: number },
): Promise<ReadyStep[]> {
  const ready: ReadyStep[] = [];
  for (const step of steps) {
    if (step.type === 'say') {
      ready.push({
        type: 'sound',
        name: `said "${step.text}"`,
        samples: await speech.samples(step.text, options.voice),
      });
    } else if (step.type === 'play') {
      const samples = resampled(readWav(await readFile(step.file)), options.sampleRate);
      ready.push({ type: 'sound', name: `played ${basename(step.file)}`, samples });
    } else if (step.type === 'dtmf') ready.push({ type: 'keys', keys: step.keys });
    else ready.push(step);
  }
  return ready;
}

/** Goes through the steps of a call and hangs up, unless the other side does first. */
export async function runScript(
  phone: Phone,
  steps: readonly ReadyStep[],
  { bargeInAfterMs, maxMs }: Pick<PhoneArguments, 'bargeInAfterMs' | 'maxMs'>,
): Promise<ScriptedCall> {
  const timer = setTimeout(() => phone.hangUp(), maxMs);
  let bargeIn: (() => number | undefined) | undefined;
  try {
    await phone.heardVoice(bargeInAfterMs ?? 60);
    for (const [index, step] of steps.entries()) {
      const isBargeIn = index === 0 && bargeInAfterMs !== null;
      if (!isBargeIn) await phone.heardQuiet(QUIET_MS);
      const measured = await runStep(phone, step);
      if (isBargeIn) bargeIn = measured;
      if (step.type !== 'stay') await phone.heardVoice();
    }
    await phone.heardQuiet(QUIET_MS);
    return { bargeInStopMs: bargeIn?.() ?? null, gaveUp: null };
  } catch (error) {
    if (!(error instanceof PhoneGaveUp)) throw error;
    return { bargeInStopMs: bargeIn?.() ?? null, gaveUp: phone.endedBy ? null : error.message };
  } finally {
    clearTimeout(timer);
    phone.hangUp();
  }
}

/** Returns how to tell, once the call is over, how long the other side went on speaking. */
async function runStep(phone: Phone, step: ReadyStep): Promise<(() => number | undefined) | undefined> {
  if (step.type === 'stay') {
    await phone.stay(step.ms);
    return undefined;
  }
  if (step.type === 'keys') {
    await phone.press(step.keys);
    return undefined;
  }
  const act = await phone.say(step.name, step.samples);
  return () => bargeInStopMs(phone, act, step.samples);
}
