import { describe, expect, test } from 'vitest';
import { buildGrammar, wordsOf } from './grammar.ts';

const knowsAll = () => true;

describe('grammar', () => {
  test('two phrases: a chain of states each, between one start and one end', () => {
    const { fsg } = buildGrammar(['Yes', 'no thank you'], knowsAll);

    expect(fsg).toBe(
      [
        'FSG_BEGIN expected',
        'NUM_STATES 4',
        'START_STATE 0',
        'FINAL_STATE 1',
        'TRANSITION 0 1 0.500000 yes',
        'TRANSITION 0 2 0.500000 no',
        'TRANSITION 2 3 1.0 thank',
        'TRANSITION 3 1 1.0 you',
        'FSG_END',
        '',
      ].join('\n'),
    );
  });

  test('recognised words lead back to the phrase as it was written', () => {
    const { phraseOf } = buildGrammar(['Option 12!', 'Talk to an agent.'], knowsAll);

    expect(phraseOf('option twelve')).toBe('Option 12!');
    expect(phraseOf('talk to an agent')).toBe('Talk to an agent.');
    expect(phraseOf('')).toBe('');
    expect(phraseOf('talk to')).toBe('');
  });

  test('a phrase with a word outside the dictionary is left out and the word reported, the others stay', () => {
    const grammar = buildGrammar(['yes', 'xylotomy desk', 'xylotomy'], (word) => word !== 'xylotomy');

    expect(grammar.unknownWords).toEqual(['xylotomy']);
    expect(grammar.fsg).toContain('TRANSITION 0 1 1.000000 yes');
    expect(grammar.fsg).not.toContain('xylotomy');
  });

  test('nothing to understand: no grammar', () => {
    expect(buildGrammar([], knowsAll).fsg).toBeNull();
    expect(buildGrammar(['', ' ?! '], knowsAll).fsg).toBeNull();
    expect(buildGrammar(['quux'], () => false).fsg).toBeNull();
  });

  test('the same words twice are one entry, and the first spelling counts', () => {
    const grammar = buildGrammar(['Yes', 'yes!'], knowsAll);

    expect(grammar.fsg).toContain('TRANSITION 0 1 1.000000 yes');
    expect(grammar.phraseOf('yes')).toBe('Yes');
  });

  test.each([
    ['Billing & payments', ['billing', 'and', 'payments']],
    ["I don't know", ['i', "don't", 'know']],
    ['‘Quoted’ e-mail', ['quoted', 'e', 'mail']],
    ['Café', ['cafe']],
    ['40', ['forty']],
    ['room 75b', ['room', 'seventy', 'five', 'b']],
    ['07', ['zero', 'seven']],
    ['911', ['nine', 'one', 'one']],
  ])('%j is heard as %j', (phrase, words) => {
    expect(wordsOf(phrase)).toEqual(words);
  });

  test('a line break cannot smuggle a transition in', () => {
    expect(buildGrammar(['yes\nTRANSITION 0 1 1.0 evil'], knowsAll).fsg?.split('\n')).not.toContain(
      'TRANSITION 0 1 1.0 evil',
    );
  });
});
