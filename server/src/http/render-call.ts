import type { Static } from 'typebox';
import type { Call } from '../core/call/call.ts';
import type { Transfer } from '../core/call/transfer.ts';
import type { CallDetail } from '../core/ports/call-repository.ts';
import type { call, callDetail, transfer } from './call-schemas.ts';

/** A call as the API shows it: its project is the key's, so it is left out; times are ISO 8601 in UTC. */
export function renderCall({ projectId: _, createdAt, answeredAt, endedAt, ...rest }: Call): Static<typeof call> {
  return {
    ...rest,
    createdAt: createdAt.toISOString(),
    answeredAt: answeredAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
  };
}

/** A call with its turns and events, as the API shows it. */
export function renderDetail({ call: shown, dtmf, turns, events, transfers }: CallDetail): Static<typeof callDetail> {
  return {
    call: renderCall(shown),
    dtmf,
    turns: [...turns],
    events: [...events],
    transfers: transfers.map(renderTransfer),
  };
}

function renderTransfer(shown: Transfer): Static<typeof transfer> {
  const { transferId, to, state, failure, returnContextId, askedAt, diallingAt, overAt } = shown;
  return {
    transferId,
    to,
    state,
    failure,
    returnContextId,
    askedAt: askedAt.toISOString(),
    diallingAt: diallingAt?.toISOString() ?? null,
    overAt: overAt?.toISOString() ?? null,
  };
}
