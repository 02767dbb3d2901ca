import { type Coverage, coverage } from '@assistant/peers/audio/alignment';
import { amplified } from '@assistant/peers/audio/level';
import { click, cough, grunt, keypadTone } from '@assistant/peers/audio/noises';
import { AudioSocketLeg } from '@assistant/peers/phone/audiosocket-leg';
import { Phone, PhoneGaveUp } from '@assistant/peers/phone/phone';
import { seededRandom } from '@assistant/peers/seeded-random';
import type { ServerUnderTest } from '@assistant/peers/server/server-under-test';

const NOISES = { cough, click, 'keypad tone': keypadTone, grunt } as const;

export type Disturbance = {
  readonly kind: keyof typeof NOISES | 'echo';
  readonly seed: number;
  /** How much of the assistant's voice is heard before. */
  readonly afterMs: number;
};

export type DisturbanceResult = Omit<Coverage, 'reachedMs'> & {
  readonly kind: string;
  readonly seed: number;
  /** Null for what is no echo. */
  readonly echoDelayMs: number | null;
  readonly contextId: string;
  /** The longest silence of the assistant from the noise on; its own pauses are up to some 400 ms. */
  readonly pauseMs: number;
  readonly isRight: boolean;
};

const SAMPLES_PER_TICK = 160;
/** Our own voice comes back 20 dB weaker and 60-240 ms later, for 1.5 s. */
const ECHO_DB = -20;
const SHORTEST_ECHO_TICKS = 3;
const LONGEST_ECHO_TICKS = 12;
const ECHO_TICKS = 75;
/** After the noise the assistant must speak for so long again. */
const GOES_ON_MS = 2_000;
const GOES_ON_WITHIN_MS = 6_000;
/** Lost or strange up to here are two edges of 20 ms windows; what is played again after a false alarm is at most 400 ms. */
const EDGES_MS = 40;
const MAX_REWIND_MS = 420;
/** Longer than any call of this bench. */
const REFERENCE_MS = 16_000;

/** One call for each noise, judged against a call without any. */
export async function disturb(
  server: ServerUnderTest,
  plan: readonly Disturbance[],
  inTurns: (task: (each: Disturbance) => Promise<DisturbanceResult>) => Promise<DisturbanceResult[]>,
): Promise<DisturbanceResult[]> {
  if (plan.length === 0) return [];
  const reference = await undisturbed(server);
  return await inTurns((each) => disturbOnce(server, each, reference));
}

/** The answer as it sounds when nobody makes a noise. */
async function undisturbed(server: ServerUnderTest): Promise<Int16Array> {
  const contextId = await server.requestCall();
  await using phone = await Phone.open(new AudioSocketLeg({ ...server.audioSocket, contextId }));
  await phone.heardVoice(REFERENCE_MS, 2 * REFERENCE_MS);
  return phone.heard.samples().slice();
}

async function disturbOnce(
  server: ServerUnderTest,
  plan: Disturbance,
  reference: Int16Array,
): Promise<DisturbanceResult> {
  const contextId = await server.requestCall();
  const phone = await Phone.open(new AudioSocketLeg({ ...server.audioSocket, contextId }));
  const delayTicks = plan.kind === 'echo' ? echoTicks(plan.seed) : null;
  let noiseAtMs = 0;
  let hasGoneOn = false;
  try {
    await phone.heardVoice(plan.afterMs);
    const act =
      delayTicks === null ? await makeNoise(phone, plan) : await phone.stream('echo', echoOf(phone, delayTicks));
    noiseAtMs = act.startedAtMs;
    await phone.heardVoice(GOES_ON_MS, GOES_ON_WITHIN_MS);
    hasGoneOn = true;
  } catch (error) {
    if (!(error instanceof PhoneGaveUp)) throw error;
  } finally {
    phone.hangUp();
  }
  const { reachedMs: _, ...covered } = coverage(phone.heard.samples(), reference);
  const isWhole = covered.missingMs <= EDGES_MS && covered.strangeMs <= EDGES_MS;
  const isSaidOnce = covered.repeatedPieces === 0 && covered.repeatedMs <= MAX_REWIND_MS;
  return {
    kind: plan.kind,
    seed: plan.seed,
    echoDelayMs: delayTicks === null ? null : delayTicks * 20,
    contextId,
    ...covered,
    pauseMs: longestQuietMs(phone, noiseAtMs),
    isRight: hasGoneOn && isWhole && isSaidOnce,
  };
}

function makeNoise(phone: Phone, { kind, seed }: Disturbance) {
  const make = kind === 'echo' ? cough : NOISES[kind];
  return phone.say(kind, make(seededRandom(seed)));
}

function echoTicks(seed: number): number {
  const span = LONGEST_ECHO_TICKS - SHORTEST_ECHO_TICKS + 1;
  return SHORTEST_ECHO_TICKS + Math.floor(seededRandom(seed)() * span);
}

/** What was heard a while ago, weaker: a frame a tick. */
function echoOf(phone: Phone, delayTicks: number): () => Int16Array | null {
  let at = phone.heard.samples().length - delayTicks * SAMPLES_PER_TICK;
  let ticks = 0;
  return () => {
    if (ticks++ >= ECHO_TICKS) return null;
    const frame = new Int16Array(SAMPLES_PER_TICK);
    frame.set(phone.heard.samples().subarray(Math.max(0, at), Math.max(0, at + SAMPLES_PER_TICK)));
    at += SAMPLES_PER_TICK;
    return amplified(frame, ECHO_DB);
  };
}

function longestQuietMs(phone: Phone, fromMs: number): number {
  let longest = 0;
  let voiceAtMs = fromMs;
  for (;;) {
    const next = phone.heard.firstVoiceAt(voiceAtMs + 1);
    if (next === undefined) return Math.round(longest);
    longest = Math.max(longest, next - voiceAtMs);
    voiceAtMs = next;
  }
}
