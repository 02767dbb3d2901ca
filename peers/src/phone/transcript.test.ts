import { describe, expect, test } from 'vitest';
import type { CallRecord } from '../server/call-record.ts';
import { transcriptLines } from './transcript.ts';

describe('the transcript of a call', () => {
  test('turns come in the order they began; what was not heard is not shown', () => {
    const record = {
      call: { status: 'ended', endReason: 'caller_hung_up' },
      turns: [
        turn({ role: 'caller', startedAtMs: 2_000, text: '1', heardText: '1', source: 'digits' }),
        turn({ role: 'assistant', startedAtMs: 100, text: 'Hello, and welcome.', heardText: 'Hello,' }),
        turn({ role: 'caller', startedAtMs: 9_000, text: 'billing', heardText: 'billing' }),
      ],
    } as unknown as CallRecord;

    expect(transcriptLines(record)).toEqual([
      '',
      '  0.1 s  assistant  Hello, [cut off]',
      '  2.0 s  your keys  1',
      '  9.0 s  you        billing',
      'the record says: ended, caller_hung_up',
    ]);
  });
});

function turn(part: object): object {
  return { source: 'speech', ...part };
}
