import { CarrierLeg, type MarkHabits, PROMPT_MARKS } from '@assistant/peers/carriers/carrier-leg';
import { ExotelStream } from '@assistant/peers/carriers/exotel/voicebot-stream';
import { directly } from '@assistant/peers/carriers/reach';
import type { StreamDialect } from '@assistant/peers/carriers/stream-dialect';
import { TwilioStream } from '@assistant/peers/carriers/twilio/media-stream';
import { VonageSocket } from '@assistant/peers/carriers/vonage/audio-socket';
import { Phone } from '@assistant/peers/phone/phone';
import { toneOf, tonesIn } from '../../server/test/fakes/tone-voice.ts';
import type { Carrier, ServerCall, TruthServer } from './playout-truth-server.ts';
import { LOOK_EVERY_MS, type Reading } from './playout-truth-watch.ts';

export type TruthCallOptions = {
  readonly server: TruthServer;
  readonly carrier: Carrier;
  readonly oneWayMs: number;
  readonly jitterMs: number;
  readonly interruptions: number;
  readonly random: () => number;
  /** What the carrier does with marks; each back once and at once when left out. */
  readonly marks?: MarkHabits;
};

export type TruthCallResult = {
  readonly atPause: readonly Reading[];
  readonly atAnyTime: readonly Reading[];
  readonly clearDelaysMs: readonly number[];
  readonly clearsBuffered: number;
  readonly rememberedWords: number;
  /** Words in the brain's memory that were not played to their end. */
  readonly unheardWords: readonly string[];
  /** Words that were played to their end and are not in its memory. */
  readonly forgottenWords: number;
  readonly replies: number;
  readonly underruns: number;
  readonly faults: readonly string[];
};

const SHOUT_MS = 600;
const SHOUT_LEVEL = 6_000;
const LATEST_MS = 2_500;
const VOICE_TIMEOUT_MS = 30_000;

/** One call with so many interruptions at random moments, over a network of that delay. */
export async function truthCall(options: TruthCallOptions): Promise<TruthCallResult> {
  const { server, carrier, interruptions, oneWayMs, jitterMs, random } = options;
  const delay = { oneWayMs, jitterMs, random };
  const expected = server.expect(carrier);
  const leg = new CarrierLeg(dialectOf(carrier), {
    url: expected.url,
    reach: directly,
    toServer: delay,
    toCarrier: delay,
    marks: options.marks ?? PROMPT_MARKS,
  });
  const arrived = expected.call.then((call) => {
    call.media.truth = {
      soundedSamples: () => leg.playout.positionAt(performance.now()),
      recordedSamples: () => leg.playout.recording.length,
    };
    return call;
  });
  const phone = await Phone.open(leg);
  const call = await arrived;
  const timer = setInterval(() => call.media.look(), LOOK_EVERY_MS);
  try {
    for (let count = 0; count < interruptions; count++) {
      await phone.heardVoice(20, VOICE_TIMEOUT_MS);
      await phone.stay(LATEST_MS * random());
      await phone.say('stop', shout(leg.sampleRate));
    }
    // The answer to the last one: only then is it settled what was heard.
    await phone.heardVoice(60, VOICE_TIMEOUT_MS);
  } finally {
    clearInterval(timer);
    phone.hangUp();
  }
  await phone.ended;
  return judge(call, leg);
}

function dialectOf(carrier: Carrier): StreamDialect {
  const callSid = `CA${'0'.repeat(32)}`;
  const accountSid = `AC${'0'.repeat(32)}`;
  if (carrier === 'twilio') return new TwilioStream({ callSid, accountSid, parameters: {} });
  if (carrier === 'vonage') return new VonageSocket(16_000);
  const [from, to] = ['09999900001', '08088900001'];
  return new ExotelStream({ callSid, accountSid, from, to, encoding: 'linear', sampleRate: 8_000, saysFormat: true });
}

/** Long enough to be taken for an interruption, at 500 Hz. */
function shout(sampleRate: number): Int16Array {
  const turn = (2 * Math.PI * 500) / sampleRate;
  return Int16Array.from({ length: (SHOUT_MS * sampleRate) / 1000 }, (_, at) => SHOUT_LEVEL * Math.sin(turn * at));
}

function judge(call: ServerCall, leg: CarrierLeg): TruthCallResult {
  const { media, brain } = call;
  const { recording } = leg.playout;
  let [rememberedWords, forgottenWords] = [0, 0];
  const unheardWords: string[] = [];
  for (const [reply, { text }] of brain.heard.entries()) {
    const played = recording.subarray(media.replyStarts[reply], media.replyStarts[reply + 1]);
    const complete = new Set(
      tonesIn(played, leg.sampleRate)
        .filter(({ isComplete }) => isComplete)
        .map(({ tone }) => tone),
    );
    const remembered = text.split(' ').filter((word) => word !== '');
    rememberedWords += remembered.length;
    unheardWords.push(...remembered.filter((word) => !complete.has(toneOf(word))));
    forgottenWords += Math.max(0, complete.size - remembered.length);
  }
  return {
    atPause: media.atPause,
    atAnyTime: media.atAnyTime,
    clearDelaysMs: call.clearDelaysMs,
    clearsBuffered: call.clearsBuffered(),
    rememberedWords,
    unheardWords,
    forgottenWords,
    replies: brain.heard.length,
    underruns: leg.playout.underruns,
    faults: [
      ...call.log.entries.filter(({ level }) => level === 'error').map(({ event }) => event),
      ...call.log.events.filter((event) => event === 'conversation.part_failed'),
    ],
  };
}
