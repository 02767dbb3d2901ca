import { writeFile } from 'node:fs/promises';
import { writeWav } from '@assistant/server/audio/wav';
import { BadArguments, isCarrier, type PhoneArguments, type PhoneChannel, readArguments, USAGE } from './arguments.ts';
import { AudioSocketLeg } from './audiosocket-leg.ts';
import { callFigures } from './call-figures.ts';
import { CARRIER_RATES, callOverCarrier } from './carrier-line.ts';
import type { HeardAudio } from './heard-audio.ts';
import type { MediaLeg } from './media-leg.ts';
import { type CallAnswer, requestCall } from './phase-one.ts';
import { Phone } from './phone.ts';
import { type Report, reportLines } from './report.ts';
import { prepareSteps, runScript, type ScriptedCall } from './scripted-call.ts';
import { CallerSpeech } from './speech.ts';
import { fetchRecord, transcriptLines } from './transcript.ts';
import { WebSocketLeg } from './websocket-leg.ts';

/** Voice after a shorter pause still belongs to what was said before. */
const ANSWER_PAUSE_MS = 300;

process.exitCode = await main(process.argv.slice(2));

/** Exit codes: 0 the call went as scripted, 1 it did not, 2 the command line was wrong. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = readArguments(argv);
    if (args) return await call(args);
    console.log(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof BadArguments) console.error(`${error.message}\n(--help lists the options)`);
    else console.error(error instanceof Error ? error.message : error);
    return error instanceof BadArguments ? 2 : 1;
  }
}

async function call(args: PhoneArguments): Promise<number> {
  const sampleRate = sampleRateOf(args.channel);
  await using speech = new CallerSpeech(sampleRate);
  const steps = await prepareSteps(args.steps, speech, { voice: args.voice, sampleRate });
  await using line = await openLine(args);
  const { answer } = line;
  const phone = await Phone.open(line.leg);
  process.once('SIGINT', () => phone.hangUp());
  const script = await runScript(phone, steps, args);
  await phone.ended;
  const report = makeReport(phone, answer, script);
  console.log(args.isJson ? JSON.stringify(report, null, 2) : reportLines(report).join('\n'));
  const { apiKey } = args;
  const told =
    args.isJson || apiKey === null ? null : await fetchRecord({ ...args, apiKey, contextId: answer.contextId });
  if (told) console.log(transcriptLines(told).join('\n'));
  if (args.record) await record(args.record, phone.heard, phone.openedAtMs);
  if (script.gaveUp) console.error(script.gaveUp);
  return script.gaveUp || report.figures.greetingDelayMs === null ? 1 : 0;
}

type OpenLine = AsyncDisposable & { readonly answer: CallAnswer; readonly leg: MediaLeg };

function sampleRateOf(channel: PhoneChannel): number {
  if (isCarrier(channel)) return CARRIER_RATES[channel];
  return channel === 'asterisk-websocket' ? WebSocketLeg.sampleRate : AudioSocketLeg.sampleRate;
}

async function openLine(args: PhoneArguments): Promise<OpenLine> {
  const { channel, url, audioSocket, apiKey } = args;
  if (isCarrier(channel)) return callOverCarrier(args, channel);
  const answer = await requestCall({ ...args, apiKey: apiKey ?? '' });
  const { contextId } = answer;
  const leg =
    channel === 'audiosocket'
      ? new AudioSocketLeg({ ...audioSocket, contextId })
      : new WebSocketLeg({ url: url.replace(/^http/, 'ws'), contextId, spelling: 'plain-text' });
  return { answer, leg, [Symbol.asyncDispose]: async () => {} };
}

function makeReport(phone: Phone, answer: CallAnswer, script: ScriptedCall): Report {
  return {
    contextId: answer.contextId,
    phaseOneMs: answer.tookMs,
    figures: callFigures(phone),
    bargeInStopMs: script.bargeInStopMs,
    acts: phone.acts.map((act) => {
      const answeredAtMs = phone.heard.firstVoiceAfterPause(act.endedAtMs, ANSWER_PAUSE_MS);
      return {
        name: act.name,
        atMs: act.startedAtMs - phone.openedAtMs,
        answeredAfterMs: answeredAtMs === undefined ? null : answeredAtMs - act.endedAtMs,
      };
    }),
    end: phone.endedBy ?? null,
    lastedMs: (phone.endedAtMs ?? 0) - phone.openedAtMs,
    clock: phone.clock,
  };
}

async function record(file: string, heard: HeardAudio, openedAtMs: number): Promise<void> {
  await writeFile(file, writeWav({ samples: heard.samples(), sampleRate: heard.sampleRate }));
  const frames = heard.frames.map(({ atMs, dbfs }) => ({ atMs: round(atMs - openedAtMs), dbfs: round(dbfs) }));
  await writeFile(file.replace(/(\.wav)?$/i, '.json'), `${JSON.stringify(frames)}\n`);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
