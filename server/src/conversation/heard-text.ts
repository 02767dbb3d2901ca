import type { SentenceAudio } from './sentence-audio.ts';

/** A sentence of a reply and where its audio begins, in samples from the start of the reply. */
export type PlacedSentence = { readonly audio: SentenceAudio; readonly startSample: number };

/** Tells whether all of a stretch of the reply, in samples from its start, was heard (PlayoutLedger.wasHeard). */
export type WasHeard = (fromSample: number, toSample: number) => boolean;

/**
 * The words of a reply that the listener heard: those whose sound was heard to its end. Where the voice tells no word ends
 * they are estimated, and the last one before silence is left out: doubt is decided against "heard".
 */
export function heardText(sentences: readonly PlacedSentence[], wasHeard: WasHeard): string {
  return sentences
    .map((sentence) => heardOfSentence(sentence, wasHeard))
    .filter((text) => text !== '')
    .join(' ');
}

function heardOfSentence({ audio, startSample }: PlacedSentence, wasHeard: WasHeard): string {
  const endSample = startSample + audio.length;
  if (audio.isWhole && audio.length > 0 && wasHeard(startSample, endSample)) return audio.text;
  const words = audio.words();
  const isHeard = words.map((word, index) => {
    const from = startSample + (words[index - 1]?.endSample ?? 0);
    const to = startSample + word.endSample;
    return to <= endSample && wasHeard(from, to);
  });
  const isCertain = (index: number) => !audio.isEstimated || isHeard[index + 1] === true;
  return words
    .filter((_word, index) => isHeard[index] === true && isCertain(index))
    .map((word) => word.text)
    .join(' ');
}
