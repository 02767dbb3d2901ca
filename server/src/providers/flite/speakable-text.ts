/** flite needs about a second of one core for this much; a sentence of a phone call has some 100 characters. */
export const MAX_TEXT_CHARACTERS = 1_000;

/** What flite would skip or spell out as bytes, in words or letters it knows. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/[‘’‚′`´]/g, "'"],
  [/[“”„″«»]/g, '"'],
  [/[‐‑]/g, '-'],
  [/\s*[‒–—―…]\s*/g, ', '],
  [/€\s*(\d[\d.,]*\d|\d)/g, '$1 euros'],
  [/£\s*(\d[\d.,]*\d|\d)/g, '$1 pounds'],
  [/°/g, ' degrees '],
  [/ß/g, 'ss'],
  [/[æÆ]/g, 'ae'],
  [/ø/g, 'o'],
  [/Ø/g, 'O'],
  [/ł/g, 'l'],
  [/Ł/g, 'L'],
];

/** Makes any text into what an engine of US English in ASCII can say: accents fall off their letters, typographic signs become
 *  plain ones, everything else outside ASCII a space. Empty when nothing is left to say. */
export function speakableText(text: string): string {
  const plain = REPLACEMENTS.reduce((whole, [sign, word]) => whole.replace(sign, word), text);
  const spoken = plain
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return /[a-z0-9]/i.test(spoken) ? spoken : '';
}

/** True for a text that has words: if nothing of it can be spoken, that is a mistake and not a pause. */
export function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
