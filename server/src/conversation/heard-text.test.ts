import { describe, expect, test } from 'vitest';
import { WordBook } from '../../test/fakes/word-book.ts';
import { heardText } from './heard-text.ts';
import { SentenceAudio } from './sentence-audio.ts';

/** Words of 100 ms, 50 ms of silence behind each: a word ends at 800, 2000, 3200 … samples. */
const BOOK = new WordBook(100, 50);

describe('what was heard of a reply', () => {
  test('a word whose end was told counts once its last sample was heard', () => {
    const sentence = told('one two three');

    expect(heardUntil([sentence], 799)).toBe('');
    expect(heardUntil([sentence], 800)).toBe('one');
    expect(heardUntil([sentence], 1_999)).toBe('one');
    expect(heardUntil([sentence], 3_200)).toBe('one two three');
  });

  test('words of the second sentence are counted from where it began', () => {
    const first = told('one two');
    const second = { ...told('three four'), startSample: first.audio.length };

    expect(heardUntil([first, second], first.audio.length + 800)).toBe('one two three');
  });

  test('estimated ends are rounded down one word', () => {
    const sentence = estimated('one two three four');

    expect(heardUntil([sentence], 900)).toBe('');
    expect(heardUntil([sentence], 2_100)).toBe('one');
    expect(heardUntil([sentence], 3_300)).toBe('one two');
  });

  test('a sentence that was heard to its end is whole, estimated or not', () => {
    const sentence = estimated('one two three four');

    expect(heardUntil([sentence], sentence.audio.length)).toBe('one two three four');
  });

  test('of a sentence that is still being made slow speech is assumed', () => {
    const audio = new SentenceAudio('one two three four', 8_000);
    audio.add(BOOK.encode('one two'));

    expect(heardUntil([{ audio, startSample: 0 }], audio.length)).toBe('');
  });

  test('the spelling is the text’s where the voice has as many words', () => {
    const audio = new SentenceAudio('Dr. No', 8_000);
    audio.add(BOOK.encode('doctor no'));
    audio.addWords({
      samples: new Int16Array(0),
      sampleRate: 8_000,
      words: [
        { text: 'doctor', endSample: 800 },
        { text: 'no', endSample: 2_000 },
      ],
    });

    expect(heardUntil([{ audio, startSample: 0 }], 900)).toBe('Dr.');
  });

  test('word ends at another rate are counted at the rate of the call', () => {
    const audio = new SentenceAudio('one two', 8_000);
    audio.add(BOOK.encode('one two'));
    audio.addWords({ samples: new Int16Array(0), sampleRate: 16_000, words: [{ text: 'one', endSample: 1_600 }] });

    expect(heardUntil([{ audio, startSample: 0 }], 800)).toBe('one');
  });

  test('what fell into a hole was not heard, what came after it was', () => {
    const sentence = told('one two three');

    const words = heardText([sentence], (from, to) => to <= 800 || from >= 2_000);

    expect(words).toBe('one three');
  });
});

describe('a pause to play on from', () => {
  test('is the end of the last word, where the voice tells it', () => {
    expect(told('one two three').audio.pauseBefore(2_500, 3_200)).toBe(2_000);
  });

  test('is the last quiet stretch, where it does not', () => {
    expect(estimated('one two three').audio.pauseBefore(2_900, 3_200)).toBe(2_400);
  });

  test('is the place itself when it is quiet there, or when no pause is near', () => {
    const { audio } = estimated('one two three');
    const long = new SentenceAudio('long', 8_000);
    long.add(new Int16Array(8_000).fill(5_000));

    expect(audio.pauseBefore(2_200, 3_200)).toBe(2_200);
    expect(long.pauseBefore(7_000, 3_200)).toBe(7_000);
    expect(long.pauseBefore(2_000, 3_200)).toBe(0);
  });
});

function estimated(text: string) {
  const audio = new SentenceAudio(text, 8_000);
  audio.add(BOOK.encode(text));
  audio.finish();
  return { audio, startSample: 0 };
}

function told(text: string) {
  const sentence = estimated(text);
  const words = text.split(' ').map((word, index) => ({ text: word, endSample: index * 1_200 + 800 }));
  sentence.audio.addWords({ samples: new Int16Array(0), sampleRate: 8_000, words });
  return sentence;
}

function heardUntil(sentences: Parameters<typeof heardText>[0], sample: number): string {
  return heardText(sentences, (_from, to) => to <= sample);
}
