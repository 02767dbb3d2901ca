import type { TransferFailure } from '../../core/call/transfer.ts';
import type { CallTransfer } from '../../core/ports/call-transfer.ts';
import type { CallChange, TransferNumber, WebhookAnswer, WebhookRequest } from '../../core/ports/channel.ts';

/** The deployment setting that says a Connect applet follows ours in the flow. */
export const TRANSFER_SETTING = { key: 'transfer', byFlow: 'connect_applet' } as const;

/**
 * Exotel has no request that moves a call. Our stream's end lets the flow go on, and its Connect applet asks for the number
 * (Exotel "Connect applet: dynamic URL"): whether there is such an applet is told by a setting.
 */
export const exotelTransfer: CallTransfer = {
  objection: ({ context, credential, settings }) => {
    if (settings[TRANSFER_SETTING.key] !== TRANSFER_SETTING.byFlow) {
      return "no Connect applet asks for numbers here: set the deployment's transfer to connect_applet once the flow has one";
    }
    // Such a call streams straight to us: no flow goes on after our media.
    if (context.direction === 'outbound' && !credential?.text('app_id')) return 'the account names no flow (app_id)';
    return context.providerCallId === null ? 'the call has no CallSid' : null;
  },
  transfer: async (_order, signal) =>
    signal.aborted
      ? { type: 'failed', reason: 'cancelled', detail: 'the caller hung up' }
      : // Our media leg is closed by the call's end, and that is what lets the flow go on.
        { type: 'handed_over' },
};

/**
 * Whom the Connect applet is to dial. Without a transfer the status is 302, by which a Passthru applet takes its other branch, and the
 * document dials nobody.
 */
export function connectAnswer(transfer: TransferNumber | null): WebhookAnswer {
  const headers = { 'content-type': 'application/json' };
  if (transfer === null) {
    return { status: 302, headers, body: JSON.stringify({ fetch_after_attempt: false, destination: { numbers: [] } }) };
  }
  const { context, to, ringTimeoutSeconds } = transfer;
  const exoPhone = context.direction === 'inbound' ? context.to : context.from;
  const body = {
    fetch_after_attempt: false,
    destination: { numbers: [to] },
    ...(exoPhone !== null && { outgoing_phone_number: exoPhone }),
    max_ringing_duration: ringTimeoutSeconds,
  };
  return { status: 200, headers, body: JSON.stringify(body) };
}

/** How the Connect applet went, as the applets after it are told: the dialled leg's status, else what kind of call it was. */
const DIAL_STATUS: ReadonlyMap<string, TransferFailure | null> = new Map([
  ['completed', null],
  ['busy', 'busy'],
  ['no-answer', 'no_answer'],
  ['failed', 'unreachable'],
  ['canceled', 'cancelled'],
]);
const CALL_TYPE: ReadonlyMap<string, TransferFailure | null> = new Map([
  ['completed', null],
  ['incomplete', 'no_answer'],
  ['client-hangup', 'cancelled'],
]);

/**
 * What a Passthru applet behind the Connect applet tells; null for anything else. The body of an answer is ignored there: the flow
 * itself brings the caller back.
 */
export function readConnectResult({ parameters }: WebhookRequest): CallChange | null {
  const { Status, EventType, DialCallStatus, CallType } = parameters;
  if (Status !== undefined || EventType !== undefined) return null;
  const ofLeg = DIAL_STATUS.get(DialCallStatus?.toLowerCase() ?? '');
  const failed = ofLeg === undefined ? CALL_TYPE.get(CallType?.toLowerCase() ?? '') : ofLeg;
  return failed === undefined ? null : { type: 'transfer_over', failed, isCallerWaiting: false };
}
