import { describe, expect, test } from 'vitest';
import { hasWords, speakableText } from './speakable-text.ts';

describe('speakable text', () => {
  test.each([
    ['Your balance is 42 dollars.', 'Your balance is 42 dollars.'],
    ['It’s “fine” — really…', 'It\'s "fine", really,'],
    ['Café Müller, Łódź, Straße', 'Cafe Muller, Lodz, Strasse'],
    ['That is €12.50 or £3', 'That is 12.50 euros or 3 pounds'],
    ['21°', '21 degrees'],
    ['two\nlines\tand\u0000a zero', 'two lines and a zero'],
    ['ﬁne ½', 'fine 1 2'],
    ['Hello 👋 there', 'Hello there'],
  ])('%j is spoken as %j', (text, spoken) => {
    expect(speakableText(text)).toBe(spoken);
  });

  test('signs alone are nothing to say', () => {
    expect(speakableText(' … ?! ')).toBe('');
    expect(hasWords(' … ?! ')).toBe(false);
  });

  test('words of another script cannot be said, and are told from a pause', () => {
    expect(speakableText('你好')).toBe('');
    expect(hasWords('你好')).toBe(true);
  });
});
