import type { BrainInput } from '../../core/ports/brain.ts';
import type { Choice } from './flow-schema.ts';

/** The words of a confirmation, and the keys that say the same. */
export const YES = {
  value: 'yes',
  phrases: ['yes', 'yes please', 'yeah', 'correct', 'right', 'sure', 'okay'],
  digits: '1',
} as const;
export const NO = { value: 'no', phrases: ['no', 'no thanks', 'no thank you', 'nope', 'wrong'], digits: '2' } as const;

type Answer = Pick<Choice, 'value' | 'digits'> & { readonly phrases: readonly string[] };

const SPOKEN_DIGITS: Readonly<Record<string, string>> = {
  zero: '0',
  oh: '0',
  one: '1',
  two: '2',
  three: '3',
  four: '4',
  five: '5',
  six: '6',
  seven: '7',
  eight: '8',
  nine: '9',
};

/**
 * The answer that was keyed or said; null when it is none of them, or more than one. Of phrases within each other the
 * longest counts: "no thanks" is not "no" and something.
 */
export function choose<Kind extends Answer>(input: BrainInput, answers: readonly Kind[]): Kind | null {
  if (input.type === 'digits') return answers.find((answer) => answer.digits === input.digits) ?? null;
  if (input.type !== 'said') return null;
  const said = ` ${normalise(input.text)} `;
  let best: { answers: Kind[]; length: number } = { answers: [], length: 0 };
  for (const answer of answers) {
    for (const phrase of answer.phrases.map(normalise)) {
      if (!said.includes(` ${phrase} `) || phrase.length < best.length) continue;
      if (phrase.length > best.length) best = { answers: [answer], length: phrase.length };
      else if (!best.answers.includes(answer)) best.answers.push(answer);
    }
  }
  return best.answers.length === 1 ? (best.answers[0] ?? null) : null;
}

/** The digits that were keyed or said one by one; null when something else was said too. */
export function digitsOf(input: BrainInput): string | null {
  if (input.type === 'digits') return /^\d+$/.test(input.digits) ? input.digits : null;
  if (input.type !== 'said') return null;
  const digits = normalise(input.text)
    .split(' ')
    .map((word) => (/^\d+$/.test(word) ? word : SPOKEN_DIGITS[word]));
  return digits.every((digit) => digit !== undefined) ? digits.join('') : null;
}

function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}' ]+/gu, ' ')
    .replace(/ +/g, ' ')
    .trim();
}
