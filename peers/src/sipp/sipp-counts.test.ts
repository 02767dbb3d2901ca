import { expect, test } from 'vitest';
import { hitchesOf, sumOfCounts } from './sipp-counts.ts';

/** Two lines of SIPp 3.6.1, shortened to four messages. */
const CSV = `CurrentTime;ElapsedTime;0_INVITE_Sent;0_INVITE_Retrans;0_INVITE_Timeout;1_200_Recv;1_200_Retrans;1_200_Timeout;1_200_Unexp;
2026-11-21\t14:04:32.105444\t1795269872.105444;00:00:00:000000;0;0;0;0;0;0;0;
2026-11-21\t14:04:32.431852\t1795269872.431852;00:00:00:326000;3;1;0;3;2;0;1;
`;

test('the last line counts', () => {
  expect(sumOfCounts(CSV)).toMatchObject({ '0_INVITE_Sent': 3, '1_200_Recv': 3 });
});

test('what was sent again, came again, and was not expected', () => {
  expect(hitchesOf(sumOfCounts(CSV))).toEqual({ sentAgain: 1, cameAgain: 2, missing: 0, unexpected: 1 });
});
