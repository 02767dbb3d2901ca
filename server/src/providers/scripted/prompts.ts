import type { BrainPart } from '../../core/ports/brain.ts';
import type { Question } from './questions.ts';
import { labelOf } from './questions.ts';
import { NO, YES } from './understand.ts';

type Expectation = Extract<BrainPart, { readonly type: 'expect' }>;

const YES_OR_NO_KEYS = 'For yes, press 1. For no, press 2.';
const YES_OR_NO = 'Say yes or press 1, or say no or press 2.';

/** The words around a flow's questions. Every one offers the keys: speech alone must never be the only way. */
export class Prompts {
  readonly #hasSpeechInput: boolean;

  constructor(hasSpeechInput: boolean) {
    this.#hasSpeechInput = hasSpeechInput;
  }

  first(node: Question): string {
    return this.#hasSpeechInput ? node.text : (node.keysText ?? node.text);
  }

  again(node: Question): string {
    return node.reprompt ?? `${this.first(node)} ${keysOf(node)}`;
  }

  readBack(answer: string): string {
    return `${answer} Is that right? ${this.#hasSpeechInput ? YES_OR_NO : YES_OR_NO_KEYS}`;
  }

  /** What makes sense as the answer to a question. */
  expect(node: Question): Expectation {
    switch (node.type) {
      case 'ask': {
        const maxDigits = Math.max(...node.choices.map((choice) => choice.digits.length));
        return { type: 'expect', phrases: node.choices.flatMap((choice) => choice.phrases), maxDigits };
      }
      case 'confirm':
        return this.expectYesNo();
      case 'form':
        return { type: 'expect', phrases: [], maxDigits: node.maxDigits };
    }
  }

  expectYesNo(): Expectation {
    return { type: 'expect', phrases: [...YES.phrases, ...NO.phrases], maxDigits: 1 };
  }
}

function keysOf(node: Question): string {
  switch (node.type) {
    case 'ask':
      return node.choices.map((choice) => `For ${labelOf(choice)}, press ${choice.digits}.`).join(' ');
    case 'confirm':
      return YES_OR_NO_KEYS;
    case 'form':
      return 'Please use the keys of your phone.';
  }
}
