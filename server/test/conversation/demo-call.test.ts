import { DEMO_FLOW } from '@assistant/server/providers/scripted/demo-flow';
import { scriptedBrain } from '@assistant/server/providers/scripted/scripted-brain';
import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';

describe('a call to the demo assistant', () => {
  test('by voice: menu, answer, nothing else, goodbye heard, hung up', async () => {
    const call = new CallWorld({ brain: () => scriptedBrain(DEMO_FLOW) });
    await call.pass(6_000);

    call.say('billing please');
    await call.pass(9_000);
    call.say('no');
    await call.pass(4_000);

    expect(call.heardWords()).toMatch(/paid in full\. .* press 2\. Thank you for calling\. Goodbye\.$/);
    expect(call.endReason).toBe('assistant_hung_up');
    expect(call.turns.map((turn) => turn.role)).toEqual(['assistant', 'caller', 'assistant', 'caller', 'assistant']);
    expect(call.leftovers()).toEqual([]);
  });

  test('by keys, into the middle of every sentence', async () => {
    const call = new CallWorld({ brain: () => scriptedBrain(DEMO_FLOW), speechToText: null });
    await call.pass(700);

    call.media.press('3');
    await call.pass(1_500);
    call.media.press('2');
    await call.pass(3_000);

    expect(call.heardWords()).toMatch(/^Hello, and .*We are open .*Thank you for calling\. Goodbye\.$/);
    expect(call.heardWords()).not.toContain('opening, hours');
    expect(call.digits).toBe('32');
    expect(call.endReason).toBe('assistant_hung_up');
  });

  test('its sentences are made once for all calls', async () => {
    const call = new CallWorld({ brain: () => scriptedBrain(DEMO_FLOW) });
    await call.pass(6_000);
    call.media.press('1');
    await call.pass(9_000);
    call.media.press('1');
    await call.pass(6_000);

    const menu = call.textToSpeech.requests.filter((text) => text.startsWith('Would you like billing'));

    expect(menu).toHaveLength(1);
    expect(call.heardWords().match(/Would you like billing/g)).toHaveLength(2);
  });
});
