import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import { DEADLY_SAMPLE, FAILING_SAMPLE } from '../../test/fakes/loudness-voice-model.ts';
import { realClock } from '../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../test/fakes/recording-log.ts';
import type { VoiceActivityDetector, VoiceWindow } from '../core/ports/voice-activity-detector.ts';
import { startVoiceActivity } from './voice-activity.ts';

const WINDOW = 256;
const MODEL = new URL('../../test/fakes/loudness-voice-model.ts', import.meta.url);

const log = new RecordingLog();
const metrics = new RecordingMetrics();
let vad: VoiceActivityDetector;

afterEach(async () => {
  await vad?.[Symbol.asyncDispose]();
  log.entries.length = 0;
});

async function start(options: { maxSessions?: number; clock?: FakeClock } = {}): Promise<VoiceActivityDetector> {
  const { maxSessions = 100, clock = realClock } = options;
  vad = await startVoiceActivity({ name: 'loudness', voiceModel: MODEL, maxSessions, clock, log, metrics });
  return vad;
}

describe('many calls', () => {
  test('each is judged with its own memory, however many are ready at once', async () => {
    await start();
    const calls = Array.from({ length: 37 }, (_, index) => new Call((index + 1) * 256));
    for (const call of calls) call.push(call.level, 2);
    for (const call of calls) await call.until(2);

    expect(calls.map((call) => call.windows[0]?.probability)).toEqual(calls.map((_, index) => (index + 1) / 128));
    expect(calls.map((call) => call.windows[1]?.probability)).toEqual(calls.map(() => 1));
  });

  test('a slot that was used starts without memory of the call before', async () => {
    await start({ maxSessions: 1 });
    for (let round = 0; round < 5; round++) {
      const call = new Call(8_192);
      call.push(call.level);
      await call.until(1);
      expect(call.windows).toMatchObject([{ probability: 0.25, endSample: WINDOW }]);
      call.session.close();
    }
  });

  test('the number of sessions is told, back to none after the last', async () => {
    await start();
    const calls = [new Call(0), new Call(0)];
    expect(metrics.value('voice_activity_sessions')).toBe(2);

    for (const call of calls) call.session.close();
    expect(metrics.value('voice_activity_sessions')).toBe(0);
  });
});

describe('a worker that does not keep up', () => {
  test('drops the oldest audio, counts it, and positions stay true', async () => {
    await start();
    const dropped = metrics.value('voice_activity_samples_dropped_total');
    const call = new Call(1_024);
    call.push(call.level, 40);
    await call.until(16);

    expect(call.windows[0]?.endSample).toBe(40 * WINDOW - 4_096 + WINDOW);
    expect(call.windows.at(-1)).toMatchObject({ endSample: 40 * WINDOW, endMs: (40 * WINDOW) / 8 });
    expect(metrics.value('voice_activity_samples_dropped_total') - dropped).toBe(40 * WINDOW - 4_096);
  });
});

describe('a worker that dies', () => {
  test('tells each session once, and all go on with the next worker', async () => {
    await start();
    const victim = new Call(1_024);
    const other = new Call(2_048);
    other.push(other.level);
    await other.until(1);
    victim.push(DEADLY_SAMPLE);
    await victim.untilRestarted();

    // The first window after it, pushed before the next worker is up, is judged, without memory of the one before.
    other.push(other.level);
    await other.until(2);
    expect(other.restarts).toBe(1);
    expect(victim.restarts).toBe(1);
    expect(other.windows[1]).toMatchObject({ probability: 2_048 / 32_768, endSample: 2 * WINDOW });
    expect(log.events).toEqual(['voice_activity.worker_died']);
  });

  test('a model that fails counts as a worker that died', async () => {
    await start();
    const call = new Call(1_024);
    call.push(FAILING_SAMPLE);
    await call.untilRestarted();

    call.push(call.level);
    await call.until(1);
    expect(log.entries[0]?.error).toMatchObject({ message: 'This window cannot be judged' });
  });

  test('calls that come and go before the next worker is up are served or gone', async () => {
    const clock = new FakeClock();
    await start({ clock });
    const first = new Call(1_024);
    first.push(DEADLY_SAMPLE);
    await first.untilRestarted();

    const early = new Call(4_096);
    early.push(early.level);
    first.session.close();
    clock.advance(100);
    await early.until(1);
    expect(early.windows[0]?.probability).toBe(0.125);
    expect(early.restarts).toBe(0);
    expect(first.windows).toEqual([]);
  });

  test('deaths in a row are answered more and more slowly, up to 5 s', async () => {
    const clock = new FakeClock();
    await start({ clock });
    const call = new Call(1_024);
    for (const [round, waitMs] of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].entries()) {
      call.push(DEADLY_SAMPLE);
      await call.untilRestarted(round + 1);
      expect(log.entries.at(-1)?.fields).toMatchObject({ restartInMs: waitMs });
      clock.advance(waitMs);
    }
  });

  test('disposing between two workers leaves nothing behind', async () => {
    const clock = new FakeClock();
    await start({ clock });
    const call = new Call(1_024);
    call.push(DEADLY_SAMPLE);
    await call.untilRestarted();
    await vad[Symbol.asyncDispose]();

    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a listener that throws', () => {
  test('is logged, and the other calls are told all the same', async () => {
    await start();
    const bad = vad.open({
      window: () => {
        throw new Error('a bug');
      },
      restarted: () => {},
    });
    const good = new Call(1_024);
    bad.push(new Int16Array(WINDOW), 32);
    good.push(good.level);
    await good.until(1);
    // Both were ready before the good one was told; a second window makes sure that the first message was read.
    good.push(good.level);
    await good.until(2);

    expect(log.events).toContain('voice_activity.listener_failed');
  });
});

describe('the start', () => {
  test.each([
    ['does not exist', './no-such-model.ts'],
    ['is no model', './voice-desk.ts'],
  ])('a model that %s is an error with its cause', async (_, path) => {
    const started = startVoiceActivity({
      name: 'absent',
      voiceModel: new URL(path, import.meta.url),
      maxSessions: 1,
      clock: realClock,
      log,
      metrics,
    });

    await expect(started).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('the voice model absent cannot be loaded'),
      cause: expect.any(Error),
    });
  });

  test('after it was disposed of no session is opened', async () => {
    await start();
    await vad[Symbol.asyncDispose]();

    expect(() => new Call(0)).toThrow(expect.objectContaining({ code: 'draining' }));
  });
});

/** One call whose windows all begin with one sample. */
class Call {
  readonly level: number;
  readonly windows: VoiceWindow[] = [];
  restarts = 0;
  #clockMs = 0;
  #wake: () => void = () => {};
  readonly session = vad.open({
    window: (window) => {
      this.windows.push(window);
      this.#wake();
    },
    restarted: () => {
      this.restarts++;
      this.#wake();
    },
  });

  constructor(level: number) {
    this.level = level;
  }

  push(first: number, count = 1): void {
    const samples = Int16Array.from({ length: WINDOW * count }, (_, index) => (index % WINDOW === 0 ? first : 0));
    this.#clockMs += samples.length / 8;
    this.session.push(samples, this.#clockMs);
  }

  async until(windows: number): Promise<void> {
    while (this.windows.length < windows) await this.#news();
  }

  async untilRestarted(times = 1): Promise<void> {
    while (this.restarts < times) await this.#news();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
