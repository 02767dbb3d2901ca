/** A text without an end of sentence is cut here, so that the voice never waits for a whole page. */
const LONGEST_SENTENCE = 240;

const ABBREVIATIONS = new Set(
  'mr mrs ms dr prof st no nr vs etc e.g i.e a.m p.m inc ltd dept ext approx jan feb mar apr jun jul aug sep sept oct nov dec'.split(
    ' ',
  ),
);

/** Puts sentences together from pieces of text of any cut. One for each reply. */
export class Sentences {
  #rest = '';

  /** Takes a piece and returns the sentences that are whole now; a full stop counts once something follows it. */
  push(text: string): string[] {
    this.#rest += text;
    const whole: string[] = [];
    for (let end = endOfSentence(this.#rest); end > 0; end = endOfSentence(this.#rest)) {
      const sentence = this.#rest.slice(0, end).trim();
      this.#rest = this.#rest.slice(end);
      if (sentence !== '') whole.push(sentence);
    }
    return whole;
  }

  /** What is left, as the last sentence; nothing when no word is left. */
  finish(): string[] {
    const rest = this.#rest.trim();
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

/** A text as sentences. */
export function splitSentences(text: string): string[] {
  const sentences = new Sentences();
  return [...sentences.push(text), ...sentences.finish()];
}

/** Where the first sentence ends; 0 while it does not. */
function endOfSentence(text: string): number {
  for (const match of text.matchAll(/[.!?…]+["'”’)\]]*(?=\s)|[。！？]+|\n+/gu)) {
    const end = match.index + match[0].length;
    if (match[0].startsWith('.') && isAbbreviation(text.slice(0, match.index))) continue;
    return end;
  }
  return text.length > LONGEST_SENTENCE ? lastBreak(text) : 0;
}

/** "Dr." and "e.g." end no sentence, and neither does the dot of an initial: "J. Smith". */
function isAbbreviation(before: string): boolean {
  const word = /[\p{L}.]+$/u.exec(before)?.[0] ?? '';
  return /^\p{Lu}$/u.test(word) ? word !== 'I' : ABBREVIATIONS.has(word.toLowerCase());
}

/** The best place to cut a text that is too long: after a comma, else between words, else anywhere. */
function lastBreak(text: string): number {
  const head = text.slice(0, LONGEST_SENTENCE);
  const comma = Math.max(head.lastIndexOf(', '), head.lastIndexOf('; '), head.lastIndexOf(': '));
  if (comma > LONGEST_SENTENCE / 4) return comma + 1;
  const space = head.lastIndexOf(' ');
  return space > 0 ? space + 1 : LONGEST_SENTENCE;
}
