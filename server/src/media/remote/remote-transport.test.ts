import { describe, expect, test } from 'vitest';
import { FIRST, tone } from '../../../test/contracts/media-harness.ts';
import { mediaTransportContract } from '../../../test/contracts/media-transport.ts';
import { openRemoteCall } from '../../../test/contracts/remote-harness.ts';

const twilio = { sampleRate: 8_000, blockSamples: 1, minMessageMs: 0, maxMessageMs: 100, leadMs: 200 };
const vonage = { sampleRate: 16_000, blockSamples: 320, minMessageMs: 20, maxMessageMs: 20, leadMs: 200 };

mediaTransportContract('a remote clock as Twilio has it', () =>
  openRemoteCall({ clearReturnsMarks: true, canHold: false, delayMs: 0 }, twilio),
);
mediaTransportContract('a remote clock as Vonage has it', () =>
  openRemoteCall({ clearReturnsMarks: false, canHold: false, delayMs: 0 }, vonage),
);
mediaTransportContract('a remote clock that can hold, as Asterisk has it', () =>
  openRemoteCall({ clearReturnsMarks: false, canHold: true, delayMs: 0 }, { ...twilio, blockSamples: 160 }),
);
mediaTransportContract('a remote clock 60 ms away', () =>
  openRemoteCall({ clearReturnsMarks: true, canHold: false, delayMs: 60 }, twilio),
);

/** Milliseconds of silence between the first sample heard and the last, of a reply of `ms`. */
async function gapsMs(delayMs: number, ms: number): Promise<number> {
  const habits = { clearReturnsMarks: true, canHold: false, delayMs };
  const rules = { ...twilio, roundTrip: { mostMs: 400, untilKnownMs: 200 } };
  const { subject } = await openRemoteCall(habits, rules);
  const voice = tone(1, ms, 8_000);
  let [offered, gaps] = [0, 0];
  for (let heard = 0; heard < voice.length; ) {
    offered += subject.transport.play({ samples: voice.subarray(offered), sampleRate: 8_000 }, FIRST);
    if (offered === voice.length) subject.transport.endReply(FIRST);
    await subject.pass(1);
    const now = subject.heard().length;
    if (heard > 0 && now === heard) gaps++;
    heard = now;
  }
  return gaps;
}

describe('a voice over a long way', () => {
  test.each([0, 60, 150])('of %i ms in each direction has no gap', async (delayMs) => {
    expect(await gapsMs(delayMs, 3_000)).toBe(0);
  });
});
