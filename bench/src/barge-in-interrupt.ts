import { AudioSocketLeg } from '@assistant/peers/phone/audiosocket-leg';
import { bargeInStopMs } from '@assistant/peers/phone/call-figures';
import { Phone, PhoneGaveUp } from '@assistant/peers/phone/phone';
import type { ServerUnderTest } from '@assistant/peers/server/server-under-test';

export type Interruption = {
  readonly voice: string;
  readonly phrase: string;
  readonly samples: Int16Array;
  /** How much of the assistant's voice is heard before. */
  readonly afterMs: number;
};

export type InterruptionResult = {
  readonly contextId: string;
  readonly voice: string;
  readonly phrase: string;
  readonly afterMs: number;
  /** From the first 20 ms of the caller's voice over -35 dBFS to the last of the assistant's; null: it spoke on. */
  readonly stopMs: number | null;
  /** It fell silent, and the record says that it was interrupted. */
  readonly isRight: boolean;
};

/** Silence this long shows that the assistant gave way. */
const QUIET_MS = 500;
const GIVES_WAY_MS = 3_000;

/** One call: the assistant speaks, the caller speaks into it. */
export async function interrupt(server: ServerUnderTest, plan: Interruption): Promise<InterruptionResult> {
  const contextId = await server.requestCall();
  const phone = await Phone.open(new AudioSocketLeg({ ...server.audioSocket, contextId }));
  let stopMs: number | undefined;
  try {
    await phone.heardVoice(plan.afterMs);
    const act = await phone.say(plan.phrase, plan.samples);
    await phone.heardQuiet(QUIET_MS, GIVES_WAY_MS);
    stopMs = bargeInStopMs(phone, act, plan.samples);
  } catch (error) {
    if (!(error instanceof PhoneGaveUp)) throw error;
  } finally {
    phone.hangUp();
  }
  const { turns } = await server.endedCall(contextId);
  return {
    contextId,
    voice: plan.voice,
    phrase: plan.phrase,
    afterMs: Math.round(plan.afterMs),
    stopMs: stopMs === undefined ? null : Math.round(stopMs),
    isRight: stopMs !== undefined && turns[0]?.wasInterrupted === true,
  };
}
