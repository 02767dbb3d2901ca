import { expect, test } from 'vitest';
import { fixedTextsOf } from './fixed-texts.ts';
import { readFlow } from './read-flow.ts';

test('texts come in the order a call meets them, without those that hold a variable', () => {
  const flow = readFlow({
    start: 'hello',
    fallback: 'bye',
    nodes: {
      bye: { type: 'hang_up', text: 'Goodbye.' },
      hello: { type: 'say', text: 'Hello.', next: 'menu' },
      menu: {
        type: 'ask',
        text: 'Billing or hours?',
        choices: [
          { value: 'billing', phrases: ['billing'], digits: '1', next: 'billing' },
          { value: 'hours', phrases: ['hours'], digits: '2', next: 'bye' },
        ],
        saveAs: 'topic',
      },
      billing: { type: 'say', text: 'You asked about {{topic}}.', next: 'bye' },
    },
  });

  expect(fixedTextsOf(flow)).toEqual(['Hello.', 'Billing or hours?', 'Goodbye.']);
});
