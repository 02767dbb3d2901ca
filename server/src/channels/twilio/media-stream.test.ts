import { describe, expect, test } from 'vitest';
import { mediaTransportContract } from '../../../test/contracts/media-transport.ts';
import { openTwilioCall, TwilioPeer } from '../../../test/contracts/twilio-harness.ts';
import { AppError } from '../../core/errors.ts';

mediaTransportContract('a Twilio Media Stream', openTwilioCall);

describe('a Media Stream', () => {
  test('that never starts is closed after five seconds and claims nothing', async () => {
    const peer = new TwilioPeer();

    await peer.pass(4_999);
    expect(peer.closes).toEqual([]);
    await peer.pass(1);

    expect(peer.closes).toEqual([[1008, 'the stream did not start']]);
    expect(peer.arrivals).toEqual([]);
  });

  test('that claims a call which is taken is closed with 4409', async () => {
    const peer = new TwilioPeer(async () => {
      throw new AppError('context_claimed');
    });

    peer.start();
    await peer.pass(1);

    expect(peer.closes).toEqual([[4409, 'context_claimed']]);
  });

  test('whose claim the database does not answer is asked to try later', async () => {
    const peer = new TwilioPeer(async () => {
      throw new AppError('database_unavailable');
    });

    peer.start();
    await peer.pass(1);

    expect(peer.closes).toEqual([[1013, 'database_unavailable']]);
  });

  test('that goes quiet for thirty seconds ends the call as lost, once', async () => {
    const peer = new TwilioPeer();
    peer.start();
    await peer.pass(1);
    const ends: string[] = [];
    peer.arrivals[0]?.media.listen({
      audio() {},
      digit() {},
      played() {},
      cleared() {},
      writable() {},
      held() {},
      closed: (end) => void ends.push(end.type),
    });

    await peer.pass(30_001);

    expect(ends).toEqual(['lost']);
    expect(peer.clock.pendingTimers).toBe(0);
  });

  test('with two starts is one call', async () => {
    const peer = new TwilioPeer();

    peer.start();
    peer.start();
    await peer.pass(1);

    expect(peer.arrivals).toHaveLength(1);
  });
});
