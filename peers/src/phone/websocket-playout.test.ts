import { describe, expect, test } from 'vitest';
import { AsteriskPlayout, type PlayoutEvent } from './websocket-playout.ts';

const FRAME = 4;

function playoutOf() {
  const events: PlayoutEvent[] = [];
  return { events, playout: new AsteriskPlayout(FRAME, (event) => void events.push(event)) };
}

describe("chan_websocket's queue", () => {
  test('plays a frame a tick and tells a mark on the tick after its frame', () => {
    const { events, playout } = playoutOf();
    playout.push(Buffer.from('aaaabbbb'));
    playout.obey('MARK_MEDIA', 'm1');

    const played = [playout.tick(), playout.tick()].map(String);
    const before = [...events];
    const silence = playout.tick();

    expect(played).toEqual(['aaaa', 'bbbb']);
    expect(before).toEqual([]);
    expect(silence).toBeNull();
    expect(events).toEqual([{ type: 'mark', id: 'm1' }]);
  });

  test('a flush drops marks without a word, keeps the pause, and reports the drained queue', () => {
    const { events, playout } = playoutOf();
    playout.push(Buffer.from('aaaabbbb'));
    playout.obey('MARK_MEDIA', 'm1');
    playout.obey('REPORT_QUEUE_DRAINED', '');
    playout.obey('PAUSE_MEDIA', '');

    playout.obey('FLUSH_MEDIA', '');
    playout.tick();
    const whilePaused = [...events];
    playout.obey('CONTINUE_MEDIA', '');
    playout.tick();

    expect(playout.queueLength).toBe(0);
    expect(whilePaused).toEqual([]);
    expect(events).toEqual([{ type: 'QUEUE_DRAINED' }]);
  });

  test('says XOFF at 900 frames and XON below 800', () => {
    const { events, playout } = playoutOf();

    playout.push(Buffer.alloc(900 * FRAME));
    for (let tick = 0; tick < 101; tick++) playout.tick();
    const before = [...events];
    playout.tick();

    expect(before).toEqual([{ type: 'MEDIA_XOFF' }]);
    expect(events).toEqual([{ type: 'MEDIA_XOFF' }, { type: 'MEDIA_XON' }]);
  });

  test('a tail that fills no frame, a full queue and an unknown command are told', () => {
    const { playout } = playoutOf();
    playout.push(Buffer.alloc(1_000 * FRAME));

    expect(playout.push(Buffer.alloc(FRAME))).toBe('audio into a full queue: Asterisk throws it away');
    expect(playout.push(Buffer.alloc(6))).toBe('a message of 6 bytes: Asterisk throws 2 of them away');
    expect(playout.obey('STOP', '')).toBe(false);
  });
});
