import { ariDialer } from '../../src/channels/asterisk/ari/ari-dialer.ts';
import { AriLinks } from '../../src/channels/asterisk/ari/ari-links.ts';
import { asteriskCallWebhook } from '../../src/channels/asterisk/call-webhook.ts';
import { asteriskSettingsSchema } from '../../src/channels/asterisk/credential-schema.ts';
import { twilioCallWebhook } from '../../src/channels/twilio/call-webhook.ts';
import { twilioDialer } from '../../src/channels/twilio/twilio-dialer.ts';
import { assembleOutbound } from '../../src/composition/outbound.ts';
import type { ContextId, NodeId } from '../../src/core/ids.ts';
import { systemRandom } from '../../src/runtime/system-random.ts';
import { realClock } from '../fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import { apiWorld } from './api-world.ts';
import { type CarrierReply, type CarrierRequest, fakeCarrier } from './fake-carriers.ts';
import { TWILIO_VALUES } from './signed-requests.ts';

export const NODE = 'node-a' as NodeId;

type Answer = (request: CarrierRequest) => CarrierReply | 'hang_up';

/** ARI's answer to a call that it takes. */
export const placed: Answer = ({ path }) => ({ status: 200, body: { id: path.split('/').at(-1) } });

/** The HTTP side, calls to be placed, and one machine that plays both Asterisk and Twilio. */
export async function diallingWorld() {
  /** What the carriers answer now; each test sets its own. */
  const now: { answer: Answer } = { answer: () => ({ status: 200, body: {} }) };
  const carrier = await fakeCarrier((request) => now.answer(request));
  const links = new AriLinks({
    clock: realClock,
    random: systemRandom,
    log: new RecordingLog(),
    metrics: new RecordingMetrics(),
  });
  const world = await apiWorld({
    channels: [
      {
        name: 'asterisk',
        settingsSchema: asteriskSettingsSchema,
        webhook: asteriskCallWebhook,
        dialer: ariDialer(links),
      },
      { name: 'twilio', webhook: twilioCallWebhook, dialer: twilioDialer(carrier.url) },
    ],
  });
  const work = (nodeId = NODE) => assembleOutbound({ ...world.parts, nodeId });
  const place = (nodeId?: NodeId) => work(nodeId).placeNextCall(AbortSignal.timeout(5_000));

  /** Rows of other tests must not be placed by this one. */
  async function drainQueue() {
    now.answer = () => ({ status: 400, body: { message: 'left over' } });
    await world.sql(
      `update outbound_calls set state = 'done', lease_owner = null, lease_until = null where state <> 'placed'`,
    );
    carrier.requests.length = 0;
  }

  async function line(channel: 'asterisk' | 'twilio', settings: Record<string, unknown> = {}) {
    await drainQueue();
    const assistant = await world.project();
    const { projectId, assistantId } = assistant;
    const values =
      channel === 'twilio'
        ? TWILIO_VALUES
        : { ari_url: carrier.url, ari_user: 'ari', ari_password: 'ari-password-0000', trunk: 'trunk' };
    const credential = await world.credential(projectId, channel, values);
    const deployment = await world.deployment(projectId, {
      assistantId,
      channel,
      number: '+14155550100',
      credentialId: credential.id,
      settings,
    });
    const key = await world.key(projectId, 'calls');
    const create = async (body: object = {}, headers: Record<string, string> = {}) => {
      const response = await world.ask('/v1/talk/create-phone-call', {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ assistant: { assistantId }, toNumber: '+14155552671', ...body }),
      });
      return {
        status: response.status,
        body: (await response.json()) as { data: { contextId: ContextId }; detail: string },
      };
    };
    const queued = async (body: object = {}) => (await create(body)).body.data.contextId;
    const call = async (contextId: ContextId) => {
      const detail = await world.storage.calls.get(projectId, contextId);
      return `${detail?.call.status} ${detail?.call.endReason ?? ''}`.trim();
    };
    /** Makes what waits due now. */
    const hurry = () =>
      world.sql(`update outbound_calls set not_before = now(), lease_until = now() where state = 'placing';
      update outbound_calls set not_before = now() where state = 'queued'; update credentials set next_dial_at = now()`);
    return { ...assistant, key, deployment, create, queued, call, hurry };
  }
  return {
    ...world,
    now,
    carrier,
    work,
    place,
    line,
    [Symbol.asyncDispose]: async () => {
      links[Symbol.dispose]();
      await world[Symbol.asyncDispose]();
      await carrier[Symbol.asyncDispose]();
    },
  };
}

export type DiallingWorld = Awaited<ReturnType<typeof diallingWorld>>;
