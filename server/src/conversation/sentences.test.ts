import { describe, expect, test } from 'vitest';
import { Sentences, splitSentences } from './sentences.ts';

describe('sentences from pieces of text', () => {
  test('the first sentence is there as soon as something follows its end', () => {
    const sentences = new Sentences();

    expect(sentences.push('Hello th')).toEqual([]);
    expect(sentences.push('ere.')).toEqual([]);
    expect(sentences.push(' How')).toEqual(['Hello there.']);
    expect(sentences.push(' are you?')).toEqual([]);
    expect(sentences.finish()).toEqual(['How are you?']);
  });

  test.each([
    ['It costs 3.50 euros. Really!', ['It costs 3.50 euros.', 'Really!']],
    ['Dr. Smith is in. Come at 5 p.m. today.', ['Dr. Smith is in.', 'Come at 5 p.m. today.']],
    ['Ask J. Miller. So do I. Fine.', ['Ask J. Miller.', 'So do I.', 'Fine.']],
    ['He said "Stop!" Then he left.', ['He said "Stop!"', 'Then he left.']],
    ['Well… maybe. One\nTwo', ['Well…', 'maybe.', 'One', 'Two']],
    ['你好。再见。', ['你好。', '再见。']],
    ['No end at all', ['No end at all']],
    ['  \n ', []],
  ])('%j', (text, expected) => {
    expect(splitSentences(text)).toEqual(expected);
  });

  test('a text that never ends is cut after a comma, and nothing of it is lost', () => {
    const text = `${'word '.repeat(30).trim()}, ${'more '.repeat(60).trim()}`;

    const sentences = splitSentences(text);

    expect(sentences[0]).toBe(`${'word '.repeat(30).trim()},`);
    expect(sentences.every((sentence) => sentence.length <= 240)).toBe(true);
    expect(sentences.join(' ')).toBe(text);
  });

  test('any cut of a text gives the same sentences', () => {
    const text = 'Hello there. It is 3.50 now! Dr. No? Yes… "Really." Good-bye.';
    const whole = splitSentences(text);

    for (let size = 1; size < 12; size++) {
      const sentences = new Sentences();
      const found: string[] = [];
      for (let at = 0; at < text.length; at += size) found.push(...sentences.push(text.slice(at, at + size)));
      expect([...found, ...sentences.finish()]).toEqual(whole);
    }
  });
});
