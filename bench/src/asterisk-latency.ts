import { parseArgs } from 'node:util';
import { type Asterisk, startAsterisk } from '@assistant/peers/asterisk/asterisk';
import { EchoServers } from '@assistant/peers/asterisk/echo-servers';
import { bargeInStopMs, callFigures } from '@assistant/peers/phone/call-figures';
import { Phone, PhoneGaveUp } from '@assistant/peers/phone/phone';
import { SipLeg } from '@assistant/peers/phone/sip-leg';
import { CALLER_VOICES, CallerSpeech } from '@assistant/peers/phone/speech';
import { seededRandom } from '@assistant/peers/seeded-random';
import { type ServerUnderTest, startServer } from '@assistant/peers/server/server-under-test';
import { longAnswer } from './long-answer.ts';
import { hundredth } from './percentiles.ts';

/** Numbers of the dialplan in peers/asterisk/etc. */
const TRANSPORTS = { 'AudioSocket()': '1001', 'Dial(AudioSocket/…)': '4001', 'Dial(WebSocket/…)': '2001' } as const;
const SAMPLE_RATE = 8_000;
const PHRASES = [
  'Excuse me, I have a question about my bill.',
  'Stop, please, I want to talk to somebody.',
  'No, wait, that is not what I asked for.',
  'Hello? Can you hear me?',
];
const QUIET_MS = 500;
const GIVES_WAY_MS = 3_000;
/** A tone long enough to be told from a packet's edges, and a pause longer than any echo. */
const TONE_MS = 100;
const TONE_HZ = 1_000;
const BETWEEN_TONES_MS = 400;

/**
 * What a caller on a SIP phone notices, through a real Asterisk: the way there and back of each transport (to a server that gives
 * the voice back at once, beside Asterisk's own Echo()), the greeting after the answer, and the silence after an interruption.
 * Options: --tones 40 --interruptions 20 (for each of the three transports, which run at the same time) --seed 1.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tones: { type: 'string', default: '40' },
      interruptions: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
    },
  });
  return {
    roundTripMs: await roundTrips(Number(values.tones)),
    withTheServer: await conversations(Number(values.interruptions), seededRandom(Number(values.seed))),
  };
}

async function roundTrips(tones: number): Promise<object> {
  await using echo = await EchoServers.start();
  await using asterisk = await startAsterisk({
    http: echo.http,
    audioSocket: echo.audioSocket,
    assistantId: '1',
    apiKey: 'x',
  });
  const results: [string, object][] = [];
  for (const [name, number] of Object.entries({ 'Echo() of Asterisk': 'echo', ...TRANSPORTS })) {
    results.push([name, await echoTimes(asterisk, number, tones)]);
  }
  return Object.fromEntries(results);
}

/** From the sending of a tone's first packet to the arrival of the first packet that holds it. */
async function echoTimes(asterisk: Asterisk, number: string, tones: number): Promise<object> {
  await using phone = await dial(asterisk, number);
  await phone.stay(500);
  const times: number[] = [];
  for (let index = 0; index < tones; index++) {
    const act = await phone.say('tone', tone());
    await phone.stay(BETWEEN_TONES_MS);
    const heardMs = phone.heard.firstVoiceAt(act.startedAtMs);
    if (heardMs !== undefined) times.push(heardMs - act.startedAtMs);
  }
  return { ...spread(times), lost: tones - times.length };
}

function tone(): Int16Array {
  return Int16Array.from({ length: (SAMPLE_RATE * TONE_MS) / 1000 }, (_, at) =>
    Math.round(8_000 * Math.sin((2 * Math.PI * TONE_HZ * at) / SAMPLE_RATE)),
  );
}

async function conversations(interruptions: number, random: () => number): Promise<object> {
  await using speech = new CallerSpeech(SAMPLE_RATE);
  await using server = await startServer({ settings: longAnswer(), env: { LOG_LEVEL: 'error' } });
  await using asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  const line = (number: string) => ({ asterisk, number });
  // The first call warms the caches that every later one finds.
  await interrupt(line(TRANSPORTS['AudioSocket()']), await words(speech, 0), 500);
  const results = await Promise.all(
    Object.entries(TRANSPORTS).map(async ([name, number]) => {
      const calls: CallFigures[] = [];
      for (let index = 0; index < interruptions; index++) {
        calls.push(await interrupt(line(number), await words(speech, index), 500 + 3_000 * random()));
      }
      return [name, summary(calls)] as const;
    }),
  );
  return { ...Object.fromEntries(results), recordsThatSayInterrupted: await interruptedRecords(server) };
}

/** Of all calls of the bench, the one that warmed up included. */
async function interruptedRecords(server: ServerUnderTest): Promise<number> {
  const { calls } = (await server.get('/v1/calls?limit=200')) as { calls: { contextId: string }[] };
  let count = 0;
  for (const { contextId } of calls) {
    const { turns } = await server.endedCall(contextId);
    if (turns[0]?.wasInterrupted) count++;
  }
  return count;
}

function words(speech: CallerSpeech, index: number): Promise<Int16Array> {
  const phrase = PHRASES[index % PHRASES.length] ?? '';
  return speech.samples(phrase, CALLER_VOICES[Math.floor(index / PHRASES.length) % CALLER_VOICES.length] ?? 'slt');
}

type Line = { readonly asterisk: Asterisk; readonly number: string };
type CallFigures = {
  /** From the 200 OK to the first RTP packet, and to the first one with voice in it. */
  readonly firstPacketMs: number;
  readonly greetingMs: number | null;
  readonly stopMs: number | null;
};

async function interrupt({ asterisk, number }: Line, samples: Int16Array, afterMs: number): Promise<CallFigures> {
  const phone = await dial(asterisk, number);
  await phone.heardVoice(afterMs);
  const act = await phone.say('words', samples);
  await phone.heardQuiet(QUIET_MS, GIVES_WAY_MS).catch((error: unknown) => {
    // It may have begun to answer: that it fell silent before is told by what was heard.
    if (!(error instanceof PhoneGaveUp)) throw error;
  });
  // Asterisk sends nothing while a WebSocket's queue is empty: the end of the call tells how long it was quiet.
  phone.hangUp();
  await phone.ended;
  const stopMs = bargeInStopMs(phone, act, samples);
  return {
    firstPacketMs: (phone.heard.frames[0]?.atMs ?? Number.NaN) - phone.openedAtMs,
    greetingMs: callFigures(phone).greetingDelayMs,
    stopMs: stopMs ?? null,
  };
}

function summary(calls: readonly CallFigures[]): object {
  return {
    calls: calls.length,
    fellSilent: calls.filter((call) => call.stopMs !== null).length,
    firstPacketMs: spread(calls.map((call) => call.firstPacketMs)),
    greetingMs: spread(calls.flatMap((call) => call.greetingMs ?? [])),
    stopMs: spread(calls.flatMap((call) => call.stopMs ?? [])),
  };
}

function spread(values: readonly number[]): object {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => hundredth(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) };
}

function dial(asterisk: Asterisk, number: string): Promise<Phone> {
  return Phone.open(new SipLeg(asterisk.phoneTo(number)));
}
