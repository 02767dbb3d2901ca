import type { VoiceActivityDetector } from '@assistant/server/core/ports/voice-activity-detector';
import { startVoiceActivity } from '@assistant/server/inference/voice-activity';
import { SILERO } from '@assistant/server/providers/silero/silero';
import { describe, expect, test } from 'vitest';
import { realClock } from '../fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import { ScriptedVad } from '../fakes/scripted-vad.ts';
import { brokenPromises, type Opened } from './contract.ts';
import { type VadHarness, voiceActivityContract, voiceActivityPromises } from './voice-activity-detector.ts';

const MAX_SESSIONS = 5;
/** The fake judges before `push` returns. */
const AT_ONCE_MS = 20;

voiceActivityContract('Silero in its worker', async () =>
  opened(
    await startVoiceActivity({
      ...SILERO,
      maxSessions: MAX_SESSIONS,
      clock: realClock,
      log: new RecordingLog(),
      metrics: new RecordingMetrics(),
    }),
    10_000,
  ),
);

voiceActivityContract('the scripted fake', async () =>
  opened(new ScriptedVad({ maxSessions: MAX_SESSIONS }), AT_ONCE_MS),
);

describe('the contract turns red', () => {
  test('on a detector that keeps what a reset should forget', async () => {
    expect(await brokenBy((session) => ({ ...bound(session), reset: () => {} }))).toEqual([
      'reset forgets: no window holds audio from before it, and positions go on',
      'after a reset the same audio is judged as in a new session',
    ]);
  });

  test('on a detector that goes on after close', async () => {
    expect(await brokenBy((session) => ({ ...bound(session), close: () => {} }))).toContain(
      'after close no window comes and every verb does nothing',
    );
  });

  test('on a detector that drops every tenth chunk', async () => {
    let chunks = 0;
    const broken = await brokenBy((session) => ({
      ...bound(session),
      push: (samples, clockMs) => {
        if (++chunks % 10 !== 0) session.push(samples, clockMs);
      },
    }));

    expect(broken).toContain('every window is told once, in order, whatever the length of the chunks');
  });

  test('on a detector that calls everything voice', async () => {
    const broken = await brokenPromises(voiceActivityPromises, async () =>
      opened(new ScriptedVad({ script: () => 1, maxSessions: MAX_SESSIONS }), AT_ONCE_MS),
    );

    expect(broken).toEqual(['speech is voiced, silence is not, and both are told within their window']);
  });
});

type Session = ReturnType<VoiceActivityDetector['open']>;

function brokenBy(spoil: (session: Session) => Session): Promise<string[]> {
  return brokenPromises(voiceActivityPromises, async () => {
    const good = new ScriptedVad({ maxSessions: MAX_SESSIONS });
    return opened(
      {
        name: good.name,
        windowMs: good.windowMs,
        open: (listener) => spoil(good.open(listener)),
        [Symbol.asyncDispose]: async () => good[Symbol.asyncDispose](),
      },
      AT_ONCE_MS,
    );
  });
}

function bound(session: Session): Session {
  return {
    push: (samples, clockMs) => session.push(samples, clockMs),
    reset: () => session.reset(),
    close: () => session.close(),
  };
}

function opened(vad: VoiceActivityDetector, patienceMs: number): Opened<VadHarness> {
  return { subject: { vad, maxSessions: MAX_SESSIONS, patienceMs }, close: async () => vad[Symbol.asyncDispose]() };
}
