import { parseArgs } from 'node:util';
import { CALLER_VOICES, type CallerVoice } from './speech.ts';

const CARRIERS = ['twilio', 'vonage', 'exotel'] as const;
const CHANNELS = ['audiosocket', 'asterisk-websocket', ...CARRIERS] as const;
export type PhoneChannel = (typeof CHANNELS)[number];
export type CarrierChannel = (typeof CARRIERS)[number];

/** What only calls over a carrier have. */
export type CarrierArguments = {
  /** The account webhooks are proved with; null: they carry the API key instead. */
  readonly account: { readonly id: string; readonly secret: string } | null;
  /** PUBLIC_ASSISTANT_HOST of the server; null: the host of its address. */
  readonly publicHost: string | null;
  readonly to: string;
  readonly delayMs: number;
  readonly jitterMs: number;
};

/** What the phone does, in the order of the command line. */
export type PhoneStep =
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'play'; readonly file: string }
  | { readonly type: 'dtmf'; readonly keys: string }
  | { readonly type: 'stay'; readonly ms: number };

export type PhoneArguments = {
  readonly channel: PhoneChannel;
  readonly url: string;
  readonly assistantId: string;
  /** Null where an account opens the call. */
  readonly apiKey: string | null;
  readonly carrier: CarrierArguments;
  readonly audioSocket: { readonly host: string; readonly port: number };
  readonly from: string;
  readonly voice: CallerVoice;
  readonly steps: readonly PhoneStep[];
  readonly bargeInAfterMs: number | null;
  readonly record: string | null;
  readonly isJson: boolean;
  readonly maxMs: number;
};

/** A command line that cannot be followed: what is wrong with which option, and what it takes. */
export class BadArguments extends Error {
  override readonly name = 'BadArguments';
}

export const USAGE = `A telephone for the terminal: calls an assistant as Asterisk or a carrier would, speaks, listens, measures.

  npm run phone -- --assistant ID --key KEY [options]

  --assistant ID            the assistant to call
  --key KEY                 an API key of its project
  --url URL                 the server's HTTP address        (http://127.0.0.1:9007)
  --channel NAME            audiosocket asterisk-websocket
                            twilio vonage exotel             (audiosocket)
  --audiosocket HOST:PORT   its AudioSocket address          (127.0.0.1:4573)
  --from NUMBER             the caller's number              (none: an anonymous caller)

  With twilio, vonage and exotel, which the phone then plays itself, on this machine:
  --account ID --secret S   instead of --key: Twilio's Account SID and Auth Token, Vonage's application id and signature
                            secret, Exotel's API key and token. Webhooks are signed with them
  --public-host HOST        the server's PUBLIC_ASSISTANT_HOST (the host of --url)
  --to NUMBER               the number that is called        (+15550000)
  --delay MS --jitter MS    of the network, each way         (0, 0)

  Done in the order given, each after the other side has finished speaking:
  --say TEXT                speak
  --play FILE.wav           speak what a 16-bit WAV file holds
  --dtmf KEYS               press keys: 0-9 * # A-D
  --stay MS                 say nothing for so long

  --barge-in-after MS       begin the first of them MS after the other side's voice began, without waiting
  --voice NAME              ${CALLER_VOICES.join(' ')}               (slt)
  --record FILE.wav         keep what was heard; FILE.json gets the arrival time and level of each frame
  --max SECONDS             hang up at the latest then       (60)
  --json                    the report as JSON
`;

const OPTIONS = {
  channel: { type: 'string', default: 'audiosocket' },
  url: { type: 'string', default: 'http://127.0.0.1:9007' },
  assistant: { type: 'string' },
  key: { type: 'string' },
  audiosocket: { type: 'string', default: '127.0.0.1:4573' },
  from: { type: 'string', default: '' },
  to: { type: 'string', default: '+15550000' },
  account: { type: 'string' },
  secret: { type: 'string' },
  'public-host': { type: 'string' },
  delay: { type: 'string', default: '0' },
  jitter: { type: 'string', default: '0' },
  say: { type: 'string', multiple: true },
  play: { type: 'string', multiple: true },
  dtmf: { type: 'string', multiple: true },
  stay: { type: 'string', multiple: true },
  'barge-in-after': { type: 'string' },
  voice: { type: 'string', default: 'slt' },
  record: { type: 'string' },
  max: { type: 'string', default: '60' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Reads the command line; null when help was asked for. @throws BadArguments */
export function readArguments(argv: readonly string[]): PhoneArguments | null {
  const { values, tokens } = parse(argv);
  if (values.help) return null;
  const channel = readChannel(values.channel);
  const account = isCarrier(channel) ? readAccount(values.account, values.secret) : null;
  return {
    channel,
    carrier: {
      account,
      publicHost: values['public-host'] ?? null,
      to: values.to,
      delayMs: readMs('--delay', values.delay),
      jitterMs: readMs('--jitter', values.jitter),
    },
    url: readUrl(values.url),
    assistantId: required('--assistant', values.assistant, 'the id that npm start printed'),
    apiKey:
      account && values.key === undefined ? null : required('--key', values.key, 'the API key that npm start printed'),
    audioSocket: readAddress(values.audiosocket),
    from: values.from,
    voice: readVoice(values.voice),
    steps: tokens.flatMap((token) => (token.kind === 'option' ? readStep(token.name, token.value ?? '') : [])),
    bargeInAfterMs:
      values['barge-in-after'] === undefined ? null : readMs('--barge-in-after', values['barge-in-after']),
    record: values.record ?? null,
    isJson: values.json,
    maxMs: readMs('--max', values.max) * 1000,
  };
}

/** Whether the phone plays a carrier for this channel. */
export function isCarrier(channel: PhoneChannel): channel is CarrierChannel {
  return CARRIERS.some((carrier) => carrier === channel);
}

function readAccount(id: string | undefined, secret: string | undefined): CarrierArguments['account'] {
  if (id === undefined && secret === undefined) return null;
  return {
    id: required('--account', id, 'the id of the account beside its --secret'),
    secret: required('--secret', secret, 'the secret of the account'),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, tokens: true, strict: true, allowPositionals: false });
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error));
  }
}

function readStep(name: string, value: string): PhoneStep[] {
  if (name === 'say') return [{ type: 'say', text: required('--say', value.trim(), 'a text to speak') }];
  if (name === 'play') return [{ type: 'play', file: required('--play', value, 'a WAV file') }];
  if (name === 'stay') return [{ type: 'stay', ms: readMs('--stay', value) }];
  if (name !== 'dtmf') return [];
  if (!/^[0-9*#A-Da-d]+$/.test(value)) throw new BadArguments(`--dtmf ${value}: keys are 0-9 * # A-D`);
  return [{ type: 'dtmf', keys: value.toUpperCase() }];
}

function required(option: string, value: string | undefined, what: string): string {
  if (!value) throw new BadArguments(`${option} is missing: give ${what}`);
  return value;
}

function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new BadArguments(`--url ${text}: give an address like http://127.0.0.1:9007`);
  }
  return text;
}

function readAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (!host || !port || Number(port) < 1 || Number(port) > 65_535) {
    throw new BadArguments(`--audiosocket ${text}: give host:port, like 127.0.0.1:4573`);
  }
  return { host, port: Number(port) };
}

function readChannel(name: string): PhoneChannel {
  const channel = CHANNELS.find((known) => known === name);
  if (!channel) throw new BadArguments(`--channel ${name}: this phone has ${CHANNELS.join(', ')}`);
  return channel;
}

function readVoice(name: string): CallerVoice {
  const voice = CALLER_VOICES.find((known) => known === name);
  if (!voice) throw new BadArguments(`--voice ${name}: there are ${CALLER_VOICES.join(', ')}`);
  return voice;
}

function readMs(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 3_600_000) throw new BadArguments(`${option} ${text}: give a whole number`);
  return value;
}
