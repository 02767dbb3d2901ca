import type { TransferOutcome } from '@assistant/server/core/ports/call-transfer';
import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says } from '../fakes/fake-brain.ts';

const AGENT = { type: 'transfer', to: '+14155552671', bookmark: { node: 'agent' } } as const;
/** No word of the fake voice sounds like it. */
const TUNE = 77;

describe('a caller who waits for somebody else', () => {
  test.each([0, 100])('hears music, however long that takes, with %i ms to the far side', async (latencyMs) => {
    const { call } = waiting(latencyMs);

    await call.pass(5_000);

    // The announcement was heard first; the loop of half a second went round again and again.
    expect(call.heardWords()).toBe('One moment.');
    expect(Math.round(tuneMs(call) / 500)).toBeGreaterThanOrEqual(6);
    expect(call.media.ear.slice(-1_600).every((sample) => sample === TUNE)).toBe(true);
  });

  test('hears the assistant again at once when nobody was there, and it knows what it has said', async () => {
    const { call, settle } = waiting(0);
    await call.pass(3_000);

    settle({ type: 'failed', reason: 'busy', detail: '486' });
    await call.pass(2_000);

    expect(call.heardWords()).toBe('One moment. Nobody is free.');
    expect(call.turns.map(({ text, heardText }) => heardText ?? text)).toEqual(['One moment.', 'Nobody is free.']);
    expect(call.media.ear.slice(-160).includes(TUNE)).toBe(false);
  });

  test('no music plays on into a call that has ended', async () => {
    const { call } = waiting(0);
    await call.pass(3_000);

    call.conversation.end('max_duration');
    await call.pass(1_000);

    expect(call.media.latePlays).toBe(0);
    expect(call.clock.pendingTimers).toBe(0);
  });
});

function waiting(latencyMs: number) {
  let settle: (outcome: TransferOutcome) => void = () => {};
  const call = new CallWorld({
    answer: (input) => (input.type === 'transfer_failed' ? [says('Nobody is free.')] : [says('One moment.'), AGENT]),
    transfer: () =>
      new Promise((resolve) => {
        settle = resolve;
      }),
    holdMusic: { loop: (sampleRate) => new Int16Array(sampleRate / 2).fill(TUNE) },
    media: { latencyMs },
  });
  return { call, settle: (outcome: TransferOutcome) => settle(outcome) };
}

function tuneMs(call: CallWorld): number {
  return call.media.ear.filter((sample) => sample === TUNE).length / (call.media.sampleRate / 1_000);
}
