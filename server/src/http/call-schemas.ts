import { type Static, type TSchema, Type } from 'typebox';
import { CALL_STATUSES, CHANNEL_NAMES, END_REASONS } from '../core/call/call.ts';
import { TRANSFER_FAILURES, TRANSFER_STATES } from '../core/call/transfer.ts';

const nullable = <Inner extends TSchema>(inner: Inner) => Type.Union([inner, Type.Null()]);
const words = <const Words extends string[]>(list: readonly [...Words]) => Type.Enum([...list]);
const time = Type.String({ format: 'date-time' });
const number = nullable(Type.Number());

export const MAX_PAGE_SIZE = 200;
export const DEFAULT_PAGE_SIZE = 50;

export const callQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'nextCursor of the page before' })),
  status: Type.Optional(words(CALL_STATUSES)),
  assistantId: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,15}$' })),
});
export type CallQueryString = Static<typeof callQuery>;

export const call = Type.Object({
  contextId: Type.String(),
  conversationId: Type.String(),
  attempt: Type.Integer(),
  assistantId: Type.String(),
  assistantVersion: Type.Integer(),
  deploymentId: nullable(Type.String()),
  channel: words(CHANNEL_NAMES),
  direction: words(['inbound', 'outbound']),
  from: nullable(Type.String()),
  to: nullable(Type.String()),
  providerCallId: nullable(Type.String()),
  isUnverified: Type.Boolean({ description: 'served without a proof of where it came from' }),
  status: words(CALL_STATUSES),
  endReason: nullable(words(END_REASONS)),
  createdAt: time,
  answeredAt: nullable(time),
  endedAt: nullable(time),
});

export const callPage = Type.Object({ calls: Type.Array(call), nextCursor: nullable(Type.String()) });

const waterfall = Type.Object(
  {
    endpointMs: number,
    sttFinalMs: number,
    firstTokenMs: number,
    firstSentenceMs: number,
    firstTtsByteMs: number,
    firstFrameSentMs: number,
    firstFramePlayedMs: number,
  },
  { description: 'ms after the caller stopped speaking; null: the stage did not occur' },
);

const turn = Type.Object({
  index: Type.Integer(),
  role: words(['assistant', 'caller']),
  startedAtMs: Type.Number(),
  endedAtMs: Type.Number(),
  text: Type.String(),
  heardText: Type.String({ description: 'the words that were heard' }),
  wasInterrupted: Type.Boolean(),
  source: words(['speech', 'digits']),
  waterfall: nullable(waterfall),
});

const event = Type.Object({
  atMs: Type.Number(),
  type: Type.String(),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export const transfer = Type.Object({
  transferId: Type.String(),
  to: Type.String({ description: 'whom the caller was to be handed to' }),
  state: words(TRANSFER_STATES),
  failure: nullable(words(TRANSFER_FAILURES)),
  returnContextId: nullable(Type.String({ description: 'the attempt of the call in which the caller came back' })),
  askedAt: time,
  diallingAt: nullable(time),
  overAt: nullable(time),
});

export const callDetail = Type.Object({
  call,
  dtmf: Type.String({ description: 'keys the caller pressed, in order' }),
  turns: Type.Array(turn),
  events: Type.Array(event),
  transfers: Type.Array(transfer),
});

/** RFC 9457 */
export const problemDocument = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: 'docs/errors.md lists them' }),
  detail: Type.Optional(Type.String()),
});
