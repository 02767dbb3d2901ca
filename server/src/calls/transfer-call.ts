import type { HandOver, TransferWish } from '../conversation/conversation-parts.ts';
import { maskNumber } from '../core/call/caller-number.ts';
import type { TransferFailure } from '../core/call/transfer.ts';
import { toAppError } from '../core/errors.ts';
import type { TransferId } from '../core/ids.ts';
import type { TransferOutcome } from '../core/ports/call-transfer.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Random } from '../core/ports/random.ts';
import type { TransferRepository } from '../core/ports/transfer-repository.ts';
import { ringSecondsOf, type TransferLine } from './transfer-call-line.ts';
import { checkTransferTarget, type TransferTargetParts } from './transfer-call-target.ts';

export type TransferCallParts = TransferTargetParts & {
  readonly transfers: Pick<TransferRepository, 'ask' | 'dial' | 'settle' | 'handOver'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Over the ringing: setting up and hearing of it. Then it is taken back … */
const SLACK_MS = 15_000;
/** … and after this nobody waits for the channel's word any longer. */
const TAKE_BACK_MS = 10_000;
const LONGEST_TARGET = 256;

/** What may be done in a conversation on this line; see `HandOver`. */
export function handOverOn(parts: TransferCallParts, line: TransferLine): HandOver {
  return (wish, signal, note) => transferCall(parts, line, { ...wish, signal, note });
}

type Handing = TransferWish & {
  readonly signal: AbortSignal;
  readonly note: Parameters<HandOver>[2];
};

/**
 * Hands a live call over: checks the target, dials as the line does it, and writes each state down. The caller comes before the
 * record: without a database it is tried all the same. Never throws.
 */
async function transferCall(parts: TransferCallParts, line: TransferLine, handing: Handing): Promise<TransferOutcome> {
  const { channel, contextId, conversationId, projectId } = line.context;
  const { note, bookmark } = handing;
  const transferId = parts.random.uuid() as TransferId;
  const write = async (what: Promise<unknown>) => {
    await what.catch((error: unknown) =>
      parts.log.warn('transfer.not_written', { contextId, transferId, code: toAppError(error).code }),
    );
  };
  const target = await readTarget(parts, line, handing.to);
  note('transfer_asked', { to: maskNumber(handing.to) });
  const to = target.number.slice(0, LONGEST_TARGET);
  await write(parts.transfers.ask({ transferId, contextId, conversationId, projectId, to, bookmark }));
  if (target.outcome === null) {
    await write(parts.transfers.dial(transferId));
    note('transfer_dialling');
  }
  const outcome = target.outcome ?? (await dial(parts, line, to, handing.signal));
  parts.log.info('transfer.outcome', { contextId, channel, outcome: outcome.type, ...failureOf(outcome) });
  parts.metrics.count('transfers_total', {
    channel,
    outcome: outcome.type === 'failed' ? outcome.reason : outcome.type,
  });
  note(`transfer_${outcome.type}`, failureOf(outcome));
  if (outcome.type === 'handed_over') await write(parts.transfers.handOver(transferId));
  else await write(parts.transfers.settle(transferId, outcome.type === 'failed' ? outcome.reason : null));
  return outcome;
}

async function readTarget(
  parts: TransferCallParts,
  { context, settings }: TransferLine,
  to: string,
): Promise<{ readonly number: string; readonly outcome: TransferOutcome | null }> {
  try {
    return { number: await checkTransferTarget(parts, context, to, settings), outcome: null };
  } catch (error) {
    const { detail = 'it cannot be dialled' } = toAppError(error);
    return { number: to, outcome: { type: 'failed', reason: 'rejected', detail } };
  }
}

/** Dials, for a limited time. */
async function dial(
  { clock, log }: TransferCallParts,
  line: TransferLine,
  to: string,
  hangUp: AbortSignal,
): Promise<TransferOutcome> {
  const { transfer, ...order } = line;
  const ringTimeoutSeconds = ringSecondsOf(line.settings);
  const overdue = new AbortController();
  const signal = AbortSignal.any([hangUp, overdue.signal]);
  const limitMs = ringTimeoutSeconds * 1_000 + SLACK_MS;
  let timer = clock.after(limitMs, () => overdue.abort());
  try {
    const tooLate = new Promise<TransferOutcome>((resolve) => {
      signal.addEventListener('abort', () => {
        timer.cancel();
        const giveUp = () => resolve(failed(hangUp.aborted ? 'cancelled' : 'no_answer', 'no word of it'));
        timer = clock.after(TAKE_BACK_MS, giveUp);
      });
    });
    return await Promise.race([transfer.transfer({ ...order, to, ringTimeoutSeconds }, signal), tooLate]);
  } catch (error) {
    log.error('transfer.broke', { contextId: line.context.contextId }, error);
    return failed('unreachable', 'it broke');
  } finally {
    timer.cancel();
  }
}

function failed(reason: TransferFailure, detail: string): TransferOutcome {
  return { type: 'failed', reason, detail };
}

function failureOf(outcome: TransferOutcome) {
  return outcome.type === 'failed' ? { reason: outcome.reason, detail: outcome.detail } : {};
}
