/** The phrases a recogniser may answer with, in the form pocketsphinx reads, and the way back to how they were written. */
export type Grammar = {
  /** Sphinx FSG text (sphinxbase, fsg_model.h); null when no phrase can be understood. */
  readonly fsg: string | null;
  /** The phrase, as it was given, for the words that were recognised; empty for words of no phrase. */
  readonly phraseOf: (words: string) => string;
  /** Words of the phrases that the dictionary lacks: a phrase with one of them is left out. */
  readonly unknownWords: readonly string[];
};

/** Keeps a grammar small enough to be searched in milliseconds. */
export const MAX_PHRASES = 200;
/** No menu entry is longer; each word is a state. */
const MAX_WORDS = 20;

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** Builds a grammar that takes exactly one of `phrases`, each equally likely. A word outside the dictionary would make
 *  pocketsphinx refuse the whole grammar without a word, so such phrases are left out and reported. */
export function buildGrammar(phrases: readonly string[], isKnownWord: (word: string) => boolean): Grammar {
  const phraseByWords = new Map<string, string>();
  const unknownWords = new Set<string>();
  for (const phrase of phrases.slice(0, MAX_PHRASES)) {
    const words = wordsOf(phrase);
    const unknown = words.filter((word) => !isKnownWord(word));
    for (const word of unknown) unknownWords.add(word);
    if (unknown.length > 0 || words.length === 0 || words.length > MAX_WORDS) continue;
    const key = words.join(' ');
    if (!phraseByWords.has(key)) phraseByWords.set(key, phrase);
  }
  return {
    fsg: phraseByWords.size > 0 ? fsgOf([...phraseByWords.keys()]) : null,
    phraseOf: (words) => phraseByWords.get(words.trim().toLowerCase()) ?? '',
    unknownWords: [...unknownWords],
  };
}

/** A phrase as the dictionary spells words: lower case, numbers up to 99 and single digits spoken, signs gone. */
export function wordsOf(phrase: string): string[] {
  return phrase
    .normalize('NFKD')
    .replace(/[’‘`]/g, "'")
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/&/g, ' and ')
    .replace(/\d+/g, (digits) => ` ${spokenNumber(digits)} `)
    .replace(/[^\p{L}']+/gu, ' ')
    .split(' ')
    .map((word) => word.replace(/^'+|'+$/g, ''))
    .filter((word) => word !== '');
}

function spokenNumber(digits: string): string {
  const value = Number(digits);
  if (digits.length > 2 || digits.startsWith('0')) return [...digits].map((digit) => ONES[Number(digit)]).join(' ');
  if (value < ONES.length) return ONES[value] ?? '';
  const tens = TENS[Math.floor(value / 10) - 2] ?? '';
  return value % 10 === 0 ? tens : `${tens} ${ONES[value % 10]}`;
}

/** State 0 starts, state 1 ends, each phrase is a chain of states of its own between them. */
function fsgOf(phrases: readonly string[]): string {
  const transitions: string[] = [];
  let states = 2;
  for (const phrase of phrases) {
    const words = phrase.split(' ');
    let from = 0;
    words.forEach((word, index) => {
      const to = index === words.length - 1 ? 1 : states++;
      const probability = from === 0 ? (1 / phrases.length).toFixed(6) : '1.0';
      transitions.push(`TRANSITION ${from} ${to} ${probability} ${word}`);
      from = to;
    });
  }
  const head = ['FSG_BEGIN expected', `NUM_STATES ${states}`, 'START_STATE 0', 'FINAL_STATE 1'];
  return [...head, ...transitions, 'FSG_END', ''].join('\n');
}
