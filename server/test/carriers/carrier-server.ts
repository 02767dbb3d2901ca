import { generateKeyPairSync } from 'node:crypto';
import type { CarrierLeg, LineConditions } from '@assistant/peers/carriers/carrier-leg';
import { ExotelCarrier } from '@assistant/peers/carriers/exotel/exotel-carrier';
import { through } from '@assistant/peers/carriers/reach';
import { TwilioCarrier } from '@assistant/peers/carriers/twilio/twilio-carrier';
import { VonageCarrier } from '@assistant/peers/carriers/vonage/vonage-carrier';
import { type ServerUnderTest, startServer } from '@assistant/peers/server/server-under-test';
import { FAKE_SPEECH_RATE, FakeOpenAiServer } from '../fakes/openai-server.ts';
import { tonesOf } from '../fakes/tone-voice.ts';

export const PUBLIC_HOST = 'voice.example.com';
export const CARRIERS = ['twilio', 'vonage', 'exotel'] as const;
export type Carrier = (typeof CARRIERS)[number];

const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
const AUTH_TOKEN = 'the-auth-token-of-the-account-1234';
const APPLICATION_ID = 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab';
const SIGNATURE_SECRET = 'the signature secret of the account';
const [EXOTEL_KEY, EXOTEL_TOKEN] = ['exotel-key-0001', 'exotel-token-0002'];

/** A carrier's call: its line to open, and what the carrier says of its end. */
export type CarrierCall = AsyncDisposable & { readonly leg: CarrierLeg; readonly ended: Promise<string> };

/** How phase 1 comes: as each carrier does it by default, or in another way that it has. */
export type Form = 'usual' | 'GET' | 'JSON';

type Order = {
  readonly base: string;
  readonly assistantId: string;
  readonly line: LineConditions;
  readonly form: Form;
};

/**
 * The whole server as a process of its own, behind a public name, with an account of each carrier. Its voice says each word as a
 * tone, its recogniser always hears "stop".
 */
export class CarrierServer implements AsyncDisposable {
  readonly server: ServerUnderTest;
  readonly #speech: FakeOpenAiServer;
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });

  private constructor(server: ServerUnderTest, speech: FakeOpenAiServer) {
    this.server = server;
    this.#speech = speech;
  }

  static async start(): Promise<CarrierServer> {
    const speak = (text: string) => tonesOf(text.split(/\s+/), FAKE_SPEECH_RATE);
    const speech = new FakeOpenAiServer({ speak, transcribe: () => 'stop' });
    const env = {
      PUBLIC_ASSISTANT_HOST: PUBLIC_HOST,
      OPENAI_BASE_URL: await speech.listen(),
      OPENAI_API_KEY: 'any-key',
    };
    const world = new CarrierServer(await startServer({ env }), speech);
    const privateKey = world.#keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
    await world.#credential('twilio', { account_sid: ACCOUNT_SID, account_token: AUTH_TOKEN });
    await world.#credential('vonage', {
      api_key: 'abcd1234',
      api_secret: 'the-api-secret-5678',
      application_id: APPLICATION_ID,
      private_key: privateKey,
      signature_secret: SIGNATURE_SECRET,
    });
    await world.#credential('exotel', { api_key: EXOTEL_KEY, api_secret: EXOTEL_TOKEN, account_sid: 'exo1' });
    return world;
  }

  /** Makes an assistant; returns its id. */
  async assistant(settings: object): Promise<string> {
    return String((await this.#post('/v1/assistants', { name: 'line', settings }))['id']);
  }

  /** Calls an assistant over a carrier, as its console would have it. */
  call(carrier: Carrier, assistantId: string, line: LineConditions = {}, form: Form = 'usual'): Promise<CarrierCall> {
    const order = { base: `https://${PUBLIC_HOST}/v1/talk/${carrier}`, assistantId, line, form };
    if (carrier === 'twilio') return this.#overTwilio(order);
    return carrier === 'vonage' ? this.#overVonage(order) : this.#overExotel(order);
  }

  async #overTwilio({ base, assistantId, line, form }: Order): Promise<CarrierCall> {
    const reach = through(this.server.url);
    const own = await TwilioCarrier.start({ accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN, reach, line });
    const call = await own.callIn({
      from: '+15551234',
      to: '+15550000',
      voiceUrl: `${base}/call/${assistantId}`,
      form: form === 'usual' ? 'POST' : form,
      statusCallback: `${base}/ctx/{contextId}/event`,
    });
    return { leg: await call.nextLeg(), ended: call.ended, ...closing(own) };
  }

  async #overVonage({ base, assistantId, line, form }: Order): Promise<CarrierCall> {
    const publicKey = String(this.#keys.publicKey.export({ type: 'spki', format: 'pem' }));
    const keys = { applicationId: APPLICATION_ID, apiKey: 'abcd1234', signatureSecret: SIGNATURE_SECRET, publicKey };
    const own = await VonageCarrier.start({ ...keys, reach: through(this.server.url), line });
    const call = await own.callIn({
      from: '15551234',
      to: '15550000',
      answerUrl: `${base}/call/${assistantId}`,
      answerMethod: form === 'JSON' ? 'POST' : 'GET',
      eventUrl: `${base}/ctx/{contextId}/event`,
    });
    return { leg: await call.nextLeg(), ended: call.ended, ...closing(own) };
  }

  /** In its other form it is ExoML with μ-law, and a stream that does not say so. */
  async #overExotel({ base, assistantId, line, form }: Order): Promise<CarrierCall> {
    const keys = { accountSid: 'exo1', apiKey: EXOTEL_KEY, apiToken: EXOTEL_TOKEN };
    const habits = { encoding: null, saysFormat: form === 'usual' };
    const own = await ExotelCarrier.start({ ...keys, reach: through(this.server.url), line, habits });
    const url = `${base}/call/${assistantId}`.replace('://', `://${EXOTEL_KEY}:${EXOTEL_TOKEN}@`);
    const flow = { applet: form === 'usual' ? 'voicebot' : 'exoml', url } as const;
    const call = await own.callIn({ from: '09999900001', to: '08088900001', flow });
    return { leg: await call.nextLeg(), ended: call.ended, ...closing(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#speech[Symbol.asyncDispose]();
  }

  async #credential(provider: string, values: object): Promise<void> {
    await this.#post('/v1/credentials', { provider, name: provider, values });
  }

  async #post(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.server.url}${path}`, {
      method: 'POST',
      headers: { 'x-api-key': this.server.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
}

function closing(own: AsyncDisposable): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
}
