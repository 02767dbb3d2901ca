import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { twilioSignature } from '@assistant/peers/carriers/twilio/signature';
import { callUrl } from '@assistant/peers/phone/phase-one';
import { type ServerUnderTest, startServer } from '@assistant/peers/server/server-under-test';
import { hundredth, percentiles } from './percentiles.ts';

/** From 1.5 to twice as much each step: fine enough to name the point, and it ends soon. */
const STEP = 1.5;
const MAX_RATE = 10_000;
/** Saturated: the queue grows, so the 99th percentile leaves this, or fewer calls come out than went in. */
const SATURATED_P99_MS = 250;
const SATURATED_SHARE = 0.95;
const WARM_UP_MS = 2_000;
/** Above this a server answers in the time a PBX's CURL() gives up. */
const TIMEOUT_MS = 10_000;

type Load = {
  readonly rate: number;
  readonly seconds: number;
  readonly isKeptAlive: boolean;
  readonly carrier: Carrier;
};
type LoadResult = {
  readonly rate: number;
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** From when a request was due to the end of its body: a client that comes late counts as waiting too. */
  readonly ms: ReturnType<typeof percentiles>;
  /** Requests answered in a second, while the load ran. */
  readonly answeredPerSecond: number;
  /** Of the server's process; the database has its own. */
  readonly serverCpuMsPerCall: number;
};

/** How a carrier announces a call. */
type Announcement = { readonly url: URL; readonly headers?: Readonly<Record<string, string>>; readonly form?: string };
type Carrier = (server: ServerUnderTest) => Announcement;

const PUBLIC_HOST = 'voice.example.com';
const ACCOUNT = { account_sid: `AC${'0123456789abcdef'.repeat(2)}`, account_token: 'the-auth-token-of-the-account' };

const CARRIERS: Readonly<Record<string, Carrier>> = {
  /** A dialplan's CURL() with an API key, answered by a UUID. */
  asterisk: ({ url, assistantId, apiKey }) => ({ url: callUrl({ url, assistantId, apiKey, from: '15551234' }) }),
  /** A form that Twilio signed, answered by TwiML. */
  twilio: ({ url, assistantId }) => {
    const path = `/v1/talk/twilio/call/${assistantId}`;
    const CallSid = `CA${randomUUID().replaceAll('-', '')}`;
    const fields = {
      CallSid,
      AccountSid: ACCOUNT.account_sid,
      From: '+15550001',
      To: '+15550002',
      Direction: 'inbound',
    };
    const signature = twilioSignature(ACCOUNT.account_token, `https://${PUBLIC_HOST}${path}`, fields);
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature };
    return { url: new URL(path, url), headers, form: new URLSearchParams(fields).toString() };
  },
};

/**
 * Phase 1 in an open loop: requests leave by the clock, whether or not those before were answered, each of them a new call.
 * Options: --channel asterisk|twilio --rate 200 --seconds 15 --step-seconds 3 --no-saturate --no-keep-alive. The client runs in this process, on the same machine.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      channel: { type: 'string', default: 'asterisk' },
      rate: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '15' },
      'step-seconds': { type: 'string', default: '3' },
      saturate: { type: 'boolean', default: true },
      'keep-alive': { type: 'boolean', default: true },
    },
  });
  const carrier = CARRIERS[values.channel];
  if (!carrier) throw new Error(`--channel is one of ${Object.keys(CARRIERS).join(', ')}`);
  await using server = await startServer({ env: { LOG_LEVEL: 'error', PUBLIC_ASSISTANT_HOST: PUBLIC_HOST } });
  if (values.channel === 'twilio')
    await server.post('/v1/credentials', { provider: 'twilio', name: 'bench', values: ACCOUNT });
  const isKeptAlive = values['keep-alive'];
  const rate = Number(values.rate);
  await runLoad(server, { rate: Math.min(50, rate), seconds: WARM_UP_MS / 1000, isKeptAlive, carrier });
  const steady = await runLoad(server, { rate, seconds: Number(values.seconds), isKeptAlive, carrier });
  const steps = values.saturate
    ? await saturate(server, { rate, seconds: Number(values['step-seconds']), isKeptAlive, carrier })
    : [];
  return { channel: values.channel, isKeptAlive, steady, steps, saturatedAt: steps.at(-1)?.rate ?? null };
}

/** Raises the rate until the server no longer follows; the last step is the one it did not follow. */
async function saturate(server: ServerUnderTest, first: Load): Promise<LoadResult[]> {
  const steps: LoadResult[] = [];
  for (let rate = first.rate * STEP; rate <= MAX_RATE; rate *= STEP) {
    const step = await runLoad(server, { ...first, rate: Math.round(rate) });
    steps.push(step);
    const isBehind = step.answeredPerSecond < step.rate * SATURATED_SHARE || step.ms.p99 > SATURATED_P99_MS;
    if (isBehind || (step.statuses['200'] ?? 0) < step.sent) break;
    await wait(500);
  }
  return steps;
}

async function runLoad(server: ServerUnderTest, { rate, seconds, isKeptAlive, carrier }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: isKeptAlive, maxSockets: Number.POSITIVE_INFINITY });
  const count = Math.round(rate * seconds);
  const statuses: Record<string, number> = {};
  const tookMs: number[] = [];
  const cpuMs = server.cpuMs();
  const startMs = performance.now();
  const answers: Promise<void>[] = [];
  let answeredInTime = 0;
  for (let index = 0; index < count; index++) {
    const dueMs = startMs + (index * 1000) / rate;
    const early = dueMs - performance.now();
    if (early > 1) await wait(early);
    answers.push(
      ask(carrier(server), agent).then((status) => {
        const now = performance.now();
        statuses[status] = (statuses[status] ?? 0) + 1;
        tookMs.push(now - dueMs);
        if (now <= startMs + seconds * 1000) answeredInTime++;
      }),
    );
  }
  await Promise.all(answers);
  agent.destroy();
  const ms = percentiles(Float64Array.from(tookMs));
  return {
    rate,
    sent: count,
    statuses,
    ms,
    answeredPerSecond: Math.round(answeredInTime / seconds),
    serverCpuMsPerCall: hundredth((server.cpuMs() - cpuMs) / count),
  };
}

/** One phase 1; the status, or the code of the error. */
function ask({ url, headers = {}, form }: Announcement, agent: Agent): Promise<string> {
  const method = form === undefined ? 'GET' : 'POST';
  return new Promise((resolve) => {
    const sent = request(url, { agent, timeout: TIMEOUT_MS, method, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', (error) => resolve(error.message));
    });
    sent.on('timeout', () => sent.destroy(new Error('time-out')));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(form);
  });
}
