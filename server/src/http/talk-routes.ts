import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CarrierEvent } from '../calls/carrier-event.ts';
import { AppError } from '../core/errors.ts';
import type { CallWebhook, Channel } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import { sendAnswer } from './answers.ts';
import { withDeadline } from './deadline.ts';
import type { UseCases } from './use-cases.ts';
import { readWebhookRequest } from './webhook-request.ts';

export type TalkParts = {
  readonly useCases: Pick<UseCases, 'receiveCall' | 'recordCarrierEvent' | 'tellTransferNumber'>;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
};

/** The caller hears silence or ringing meanwhile, and carriers give up after 5 s (Vonage) to 15 s (Twilio). */
const ANSWER_LIMIT_MS = 4_000;

type TalkParams = { readonly provider: string; readonly assistantId?: string; readonly contextId?: string };
type WebhookChannel = Channel & { readonly webhook: CallWebhook };

const params = (...names: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(['provider', ...names].map((name) => [name, { type: 'string' }])),
});

/** Phase 1 of a call and the carriers' reports about it. */
export function talkRoutes(app: FastifyInstance, parts: TalkParts): void {
  const methods = ['GET', 'POST'];
  app.route<{ Params: TalkParams }>({
    method: methods,
    url: '/v1/talk/:provider/call/:assistantId',
    schema: {
      tags: ['talk'],
      summary: 'A carrier announces a call and is told where to bring its audio',
      description:
        'Parameters in query, form or JSON. The answer has the form of the carrier: TwiML, NCCO, a bare UUID.',
      params: params('assistantId'),
    },
    handler: async (request, reply) => sendAnswer(reply, await receiveCall(parts, request)),
  });
  app.route<{ Params: TalkParams }>({
    method: methods,
    url: '/v1/talk/:provider/transfer/:assistantId',
    schema: {
      tags: ['talk'],
      summary: 'A carrier asks whom to dial for a call that was handed over',
      params: params('assistantId'),
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await withCarrierEvent(parts, request, (event) => parts.useCases.tellTransferNumber(event))),
  });
  for (const url of [
    '/v1/talk/:provider/ctx/:contextId/event',
    '/v1/talk/:provider/event',
    '/v1/talk/:provider/event/:assistantId',
  ]) {
    const names = Array.from(url.matchAll(/:(\w+)/g), ([, name]) => name ?? '');
    app.route<{ Params: TalkParams }>({
      method: methods,
      url,
      schema: {
        tags: ['talk'],
        summary: 'A carrier reports on a call; 204 when nobody knows it, a document where the carrier asks for one',
        params: params(...names),
      },
      handler: async (request, reply) => {
        const outcome = await withCarrierEvent(parts, request, (event) => parts.useCases.recordCarrierEvent(event));
        if (typeof outcome === 'object') return sendAnswer(reply, outcome);
        return reply.code(outcome === 'recorded' ? 200 : 204).send();
      },
    });
  }
}

async function receiveCall(parts: TalkParts, request: FastifyRequest<{ Params: TalkParams }>) {
  const { name, webhook } = webhookChannel(parts.channels, request.params.provider);
  const command = {
    channel: name,
    webhook,
    assistantId: request.params.assistantId ?? '',
    request: readWebhookRequest(request),
  };
  return withDeadline(parts.clock, ANSWER_LIMIT_MS, parts.useCases.receiveCall(command));
}

async function withCarrierEvent<Result>(
  parts: TalkParts,
  request: FastifyRequest<{ Params: TalkParams }>,
  use: (event: CarrierEvent) => Promise<Result>,
): Promise<Result> {
  const { provider, contextId = null, assistantId = null } = request.params;
  const channel = webhookChannel(parts.channels, provider).name;
  const event = { channel, contextId, assistantId, request: readWebhookRequest(request) };
  return withDeadline(parts.clock, ANSWER_LIMIT_MS, use(event));
}

function webhookChannel(channels: readonly Channel[], provider: string): WebhookChannel {
  const channel = channels.find((one): one is WebhookChannel => one.name === provider && one.webhook !== undefined);
  if (!channel) throw new AppError('not_found', { detail: `no channel of that name answers webhooks here` });
  return channel;
}
