import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says, waits } from '../fakes/fake-brain.ts';

describe('a plain call', () => {
  test('greets, understands, answers and hangs up after the goodbye was heard', async () => {
    const call = new CallWorld({
      answer: (_input, turn) =>
        turn === 0
          ? [says('Hello and welcome. How can I help you?')]
          : [waits(200), says('Gladly done. '), says('Good bye.'), { type: 'hang_up' }],
    });

    await call.pass(3_000);
    call.say('book a table');
    await call.pass(6_000);

    expect(call.heardWords()).toBe('Hello and welcome. How can I help you? Gladly done. Good bye.');
    expect(call.brain.inputs).toEqual([{ type: 'started' }, { type: 'said', text: 'book a table' }]);
    expect(call.brain.heard).toEqual([
      { text: 'Hello and welcome. How can I help you?', wasInterrupted: false },
      { text: 'Gladly done. Good bye.', wasInterrupted: false },
    ]);
    expect(call.endReason).toBe('assistant_hung_up');
    expect(call.leftovers()).toEqual([]);
    expect(call.turns).toMatchObject([
      { index: 0, role: 'assistant', heardText: 'Hello and welcome. How can I help you?' },
      { index: 1, role: 'caller', text: 'book a table', source: 'speech' },
      { index: 2, role: 'assistant', heardText: 'Gladly done. Good bye.' },
    ]);
  });
});
