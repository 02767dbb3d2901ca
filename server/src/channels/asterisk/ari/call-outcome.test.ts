import { describe, expect, test } from 'vitest';
import { endReasonOf, transferFailureOf } from './call-outcome.ts';

/** Dial status and cause as Asterisk 22.10 gave them for these answers of a SIP phone. */
describe('how a call ended before it was answered', () => {
  test.each([
    ['486 Busy Here', { dialStatus: 'BUSY', cause: 17 }, 'busy', 'busy'],
    ['600 Busy Everywhere', { dialStatus: 'BUSY', cause: 17 }, 'busy', 'busy'],
    ['480 Temporarily Unavailable', { dialStatus: 'NOANSWER', cause: 19 }, 'no_answer', 'no_answer'],
    ['408 Request Timeout', { dialStatus: 'NOANSWER', cause: 18 }, 'no_answer', 'no_answer'],
    ['ringing until the time was up', { dialStatus: 'RINGING', cause: 19 }, 'no_answer', 'no_answer'],
    ['403 Forbidden', { dialStatus: 'NOANSWER', cause: 21 }, 'rejected', 'rejected'],
    ['603 Decline', { dialStatus: 'NOANSWER', cause: 21 }, 'rejected', 'rejected'],
    ['404 Not Found', { dialStatus: 'NOANSWER', cause: 1 }, 'carrier_failed', 'unreachable'],
    ['484 Address Incomplete', { dialStatus: 'NOANSWER', cause: 28 }, 'carrier_failed', 'unreachable'],
    ['488 Not Acceptable Here', { dialStatus: 'NOANSWER', cause: 58 }, 'carrier_failed', 'unreachable'],
    ['503 Service Unavailable', { dialStatus: 'CONGESTION', cause: 34 }, 'carrier_failed', 'unreachable'],
    ['Congestion() in a Local channel', { dialStatus: 'CONGESTION', cause: 0 }, 'carrier_failed', 'unreachable'],
    ['Busy() in a Local channel', { dialStatus: 'BUSY', cause: 0 }, 'busy', 'busy'],
    ['an endpoint that is not there', { dialStatus: '', cause: 0 }, 'carrier_failed', 'unreachable'],
    ['our own DELETE', { dialStatus: 'NOANSWER', cause: 16 }, 'cancelled', 'rejected'],
  ])('%s', (_answer, told, endReason, failure) => {
    const end = { isAnswered: false, ...told };

    expect([endReasonOf(end), transferFailureOf(end)]).toEqual([endReason, failure]);
  });
});

test('who was answered hung up, whatever the cause', () => {
  expect(endReasonOf({ isAnswered: true, dialStatus: 'ANSWER', cause: 16 })).toBe('caller_hung_up');
});
