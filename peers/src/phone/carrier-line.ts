import { performance } from 'node:perf_hooks';
import type { CarrierLeg, LineConditions } from '../carriers/carrier-leg.ts';
import { ExotelCarrier } from '../carriers/exotel/exotel-carrier.ts';
import { through } from '../carriers/reach.ts';
import { TwilioCarrier } from '../carriers/twilio/twilio-carrier.ts';
import { VonageCarrier } from '../carriers/vonage/vonage-carrier.ts';
import type { CarrierChannel, PhoneArguments } from './arguments.ts';
import type { CallAnswer } from './phase-one.ts';

/** Hz of each carrier's stream, as the server asks for it. */
export const CARRIER_RATES: Readonly<Record<CarrierChannel, number>> = { twilio: 8_000, vonage: 16_000, exotel: 8_000 };

export type CarrierLine = AsyncDisposable & { readonly answer: CallAnswer; readonly leg: CarrierLeg };

type Opened = AsyncDisposable & { readonly leg: CarrierLeg };

/** Plays the carrier: its webhook, its document, its stream. @throws Error with what the server answered. */
export async function callOverCarrier(args: PhoneArguments, channel: CarrierChannel): Promise<CarrierLine> {
  const startedAtMs = performance.now();
  const opened = await OPENERS[channel](args);
  const [, contextId = ''] = /\/ctx\/([0-9a-f-]{36})/.exec(opened.leg.url) ?? [];
  const answer = { contextId, tookMs: performance.now() - startedAtMs };
  return { answer, leg: opened.leg, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

const OPENERS: Readonly<Record<CarrierChannel, (args: PhoneArguments) => Promise<Opened>>> = {
  twilio: async (args) => {
    const { account, to } = args.carrier;
    const accountSid = account?.id ?? `AC${'0'.repeat(32)}`;
    const carrier = await TwilioCarrier.start({ accountSid, authToken: account?.secret ?? null, ...conditions(args) });
    const number = { from: caller(args), to, voiceUrl: callUrl(args) };
    return lineOf(carrier, async () => (await carrier.callIn(number)).nextLeg());
  },
  vonage: async (args) => {
    const { account, to } = args.carrier;
    const carrier = await VonageCarrier.start({
      applicationId: account?.id ?? '',
      apiKey: '',
      signatureSecret: account?.secret ?? null,
      publicKey: '',
      ...conditions(args),
    });
    const number = { from: digits(caller(args)), to: digits(to), answerUrl: callUrl(args) };
    return lineOf(carrier, async () => (await carrier.callIn(number)).nextLeg());
  },
  exotel: async (args) => {
    const { account, to } = args.carrier;
    const [apiKey, apiToken] = [account?.id ?? '', account?.secret ?? ''];
    const login = account ? `${encodeURIComponent(apiKey)}:${encodeURIComponent(apiToken)}@` : '';
    const url = callUrl(args).replace('://', `://${login}`);
    const carrier = await ExotelCarrier.start({ accountSid: 'phone', apiKey, apiToken, ...conditions(args) });
    const phone = { from: caller(args), to, flow: { applet: 'voicebot', url } } as const;
    return lineOf(carrier, async () => (await carrier.callIn(phone)).nextLeg());
  },
};

function conditions({ url, carrier: { delayMs, jitterMs } }: PhoneArguments) {
  const delay = { oneWayMs: delayMs, jitterMs, random: Math.random };
  const line: LineConditions = { toServer: delay, toCarrier: delay };
  return { reach: through(url), line };
}

/** The address a carrier's console would hold, with the key in it where there is no account. */
function callUrl({ url, channel, assistantId, apiKey, carrier }: PhoneArguments): string {
  const host = carrier.publicHost ?? new URL(url).host;
  const address = `https://${host}/v1/talk/${channel}/call/${encodeURIComponent(assistantId)}`;
  return carrier.account ? address : `${address}?x-api-key=${encodeURIComponent(apiKey ?? '')}`;
}

function caller({ from }: PhoneArguments): string {
  return from || '+15551234';
}

function digits(number: string): string {
  return number.replace(/^\+/, '');
}

/** The line of a call, and the carrier's end with it; at once when there is no call. */
async function lineOf(carrier: AsyncDisposable, call: () => Promise<CarrierLeg>): Promise<Opened> {
  try {
    return { leg: await call(), [Symbol.asyncDispose]: () => carrier[Symbol.asyncDispose]() };
  } catch (error) {
    await carrier[Symbol.asyncDispose]();
    throw error;
  }
}
