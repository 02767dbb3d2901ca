import type { Phone } from '@assistant/peers/phone/phone';
import { Resampler } from '@assistant/server/audio/resampler';
import { LeadingQuiet } from '@assistant/server/conversation/leading-quiet';
import { splitSentences } from '@assistant/server/conversation/sentences';
import type { TextToSpeech } from '@assistant/server/core/ports/text-to-speech';
import { openProviders } from '@assistant/server/providers/index';
import { systemClock } from '@assistant/server/runtime/system-clock';
import { quietLog } from '../fakes/quiet-log.ts';
import { RecordingMetrics } from '../fakes/recording-log.ts';
import { eventually, LONG_MS } from './call-server.ts';

const LINE_RATE = 8_000;
/** After its last sound an assistant has learned of it and waits for the caller. */
const LISTENS_AFTER_MS = 400;

/** Says texts as the server's own voice says them on a line of 8 kHz, sentence after sentence, for comparison. */
export class ReferenceVoice implements AsyncDisposable {
  readonly #providers = openProviders({
    env: {},
    cacheDir: '',
    searchPath: '',
    log: quietLog,
    clock: systemClock,
    metrics: new RecordingMetrics(),
  });

  async samples(text: string): Promise<Int16Array> {
    const voice = await this.#providers.textToSpeech({ provider: 'flite' });
    const pieces: Int16Array[] = [];
    for (const sentence of splitSentences(text)) pieces.push(...(await say(voice, sentence)));
    // A reply begins without the quiet before its first sound.
    const quiet = new LeadingQuiet(LINE_RATE);
    return joined([...pieces.map((piece) => quiet.push(piece)), quiet.flush()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#providers[Symbol.asyncDispose]();
  }
}

async function say(voice: TextToSpeech, text: string): Promise<Int16Array[]> {
  const pieces: Int16Array[] = [];
  let resampler: Resampler | null = null;
  const request = { text, language: 'en-US', preferredSampleRate: LINE_RATE };
  for await (const chunk of voice.synthesize(request, new AbortController().signal)) {
    if (chunk.sampleRate !== LINE_RATE) resampler ??= new Resampler(chunk.sampleRate, LINE_RATE);
    pieces.push(resampler ? resampler.convert(chunk.samples).slice() : chunk.samples);
  }
  if (resampler) pieces.push(resampler.flush());
  return pieces;
}

/**
 * Whether every sample of the reference was heard, in order and with nothing between. Digital silence is left out on both
 * sides: a pacer on a busy machine may put some in, and that is not a lost word.
 */
export function wasHeardWhole(heard: Int16Array, reference: Int16Array): boolean {
  return soundsAt(heard, reference) >= 0;
}

/** Waits until the phone has heard the reference whole and then quiet: the assistant listens. */
export async function heardOut(phone: Phone, reference: Int16Array): Promise<void> {
  await eventually('a sentence to be heard whole', async () => {
    if (phone.endedBy) throw new Error(`the call ended: ${phone.endedBy.how}`);
    return wasHeardWhole(phone.heard.samples(), reference) ? true : null;
  });
  await phone.heardQuiet(LISTENS_AFTER_MS, LONG_MS);
}

/** Samples that are no digital silence. */
export function soundingSamples(samples: Int16Array): number {
  return samples.reduce((count, sample) => count + (sample === 0 ? 0 : 1), 0);
}

/** Where in the sounding samples of a recording the reference begins; -1 where it is not whole. */
export function soundsAt(heard: Int16Array, reference: Int16Array): number {
  const [whole, part] = [soundingOnly(heard), soundingOnly(reference)];
  if (part.length === 0) throw new Error('the reference is silent');
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) if (at % 2 === 0) return at / 2;
  return -1;
}

function soundingOnly(samples: Int16Array): Buffer {
  const sounding = samples.filter((sample) => sample !== 0);
  return Buffer.from(sounding.buffer, sounding.byteOffset, sounding.byteLength);
}

function joined(pieces: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
