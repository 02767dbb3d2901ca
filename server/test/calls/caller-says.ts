import { readFileSync } from 'node:fs';
import { readWav } from '@assistant/server/audio/wav';

const SPEECH = readWav(readFileSync(new URL('../fixtures/speech-slt.wav', import.meta.url))).samples;
const SAMPLES_PER_MS = 8;

/** What callers of the scenarios say, in flite's voice slt, 8 kHz. */
export const CALLER_SAYS = {
  bill: { text: 'I would like to ask about my last bill.', samples: between(500, 3_070) },
  no: { text: 'No.', samples: between(3_890, 4_570) },
} as const;

/** 200 ms from the middle of a word: surely voice, and too short to take the turn. */
export const SYLLABLE = between(1_000, 1_200);

function between(fromMs: number, toMs: number): Int16Array {
  return SPEECH.slice(fromMs * SAMPLES_PER_MS, toMs * SAMPLES_PER_MS);
}
