import type { AssistantSettings } from '@assistant/server/core/assistant/assistant-settings';
import { editDistance } from '@assistant/server/core/edit-distance';
import { LossyNetwork, type LossyNetworkOptions } from '../phone/lossy-network.ts';
import { Phone } from '../phone/phone.ts';
import { SipLeg } from '../phone/sip-leg.ts';
import { seededRandom } from '../seeded-random.ts';
import { type CallRecord, textsOf } from './call-record.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { scripted } from './test-assistant.ts';

const KEYS_A_CODE = 8;
const QUIET_MS = 600;
/** A form takes digits only. */
const KEYS = '0123456789';
const ASKS = 'Next code, please.';

/** Asks for one code of eight keys after the other. */
export function codeTaker(): AssistantSettings {
  const form = { type: 'form', text: ASKS, minDigits: 1, maxDigits: KEYS_A_CODE, saveAs: 'code', readBack: false };
  const lost = { type: 'hang_up', text: 'Goodbye.' };
  return scripted({ start: 'code', fallback: 'lost', nodes: { code: { ...form, next: 'code' }, lost } });
}

export type KeysUnderLoss = {
  readonly calls: number;
  readonly codesACall: number;
  /** Both ways. */
  readonly network: LossyNetworkOptions;
};

export type KeysUnderLossReport = {
  readonly keys: number;
  /** To be added, left out or changed to make what was taken of what was pressed. */
  readonly wrongKeys: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  /** Of all calls, the assistant's sentences that were not asked when they should have been, or not told as heard whole. */
  readonly brokenTurns: number;
  /** Calls that ended otherwise than by the caller. */
  readonly brokenCalls: number;
};

/** SIP calls over a bad network, all at once: each keys in codes as it is asked to, then hangs up. Judged by the records. */
export async function keysUnderLoss(server: ServerUnderTest, options: KeysUnderLoss): Promise<KeysUnderLossReport> {
  const calls: Awaited<ReturnType<typeof dial>>[] = [];
  for (let index = 0; index < options.calls; index++) calls.push(await dial(server, options.network, index));
  const results = await Promise.all(calls.map((call, index) => keyIn(server, call, { ...options, index })));
  const sum = (of: (result: (typeof results)[number]) => number) => results.reduce((all, each) => all + of(each), 0);
  const ways = calls.flatMap(({ network }) => [network.in, network.out]);
  return {
    keys: sum(({ pressed }) => pressed.length),
    wrongKeys: sum(({ pressed, record }) => editDistance(pressed, record.dtmf)),
    packetsSent: ways.reduce((all, { sent }) => all + sent, 0),
    packetsLost: ways.reduce((all, { lost }) => all + lost, 0),
    brokenTurns: sum(({ record }) => brokenTurns(record, options.codesACall)),
    brokenCalls: sum(({ record }) => (record.call.endReason === 'caller_hung_up' ? 0 : 1)),
  };
}

async function dial(server: ServerUnderTest, options: LossyNetworkOptions, index: number) {
  const [host = '', port = ''] = server.sip.split(':');
  const way = (seed: number) => new LossyNetwork({ ...options, seed: options.seed + seed });
  const network = { out: way(2 * index), in: way(2 * index + 1) };
  const login = { username: server.assistantId, password: server.apiKey };
  const target = { host, port: Number(port), number: '15550100', user: server.assistantId, login };
  const phone = await Phone.open(new SipLeg(target, network));
  return { phone, network, contextId: await server.lastContextId() };
}

async function keyIn(
  server: ServerUnderTest,
  { phone, contextId }: Awaited<ReturnType<typeof dial>>,
  { codesACall, network, index }: KeysUnderLoss & { readonly index: number },
): Promise<{ readonly pressed: string; readonly record: CallRecord }> {
  const draw = seededRandom(network.seed + index);
  let pressed = '';
  for (let code = 0; code < codesACall; code++) {
    await phone.heardOut(QUIET_MS);
    const keys = Array.from({ length: KEYS_A_CODE }, () => KEYS[Math.floor(draw() * KEYS.length)] ?? '').join('');
    await phone.press(keys);
    pressed += keys;
  }
  await phone.heardOut(QUIET_MS);
  phone.hangUp();
  return { pressed, record: await server.endedCall(contextId, 20_000) };
}

function brokenTurns(record: CallRecord, codes: number): number {
  const asked = record.turns.filter(({ role }) => role === 'assistant');
  const whole = asked.filter(({ text, heardText, wasInterrupted }) => text === heardText && !wasInterrupted).length;
  return Math.abs(textsOf(record, 'assistant').length - (codes + 1)) + asked.length - whole;
}
