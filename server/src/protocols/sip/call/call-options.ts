import type { ChallengeAnswerer } from '../agent-core.ts';
import type { Dialog } from '../dialog/dialog.ts';
import type { SipRequest } from '../message/message.ts';
import type { Flow } from '../transport/flow.ts';
import type { OfferAnswer } from './offer-answer.ts';
import type { TransferProgress } from './sipfrag.ts';

/** Why a call ended. */
export type CallEnd = 'hung up' | 'peer hung up' | 'no ack' | 'expired' | 'media refused' | 'lost';

/** What the user of a call hears; all optional but `ended`, which comes exactly once and last. */
export type CallHandlers = {
  readonly ended: (why: CallEnd) => void;
  /** The ACK of our 200 came, or we sent ours. */
  readonly established?: () => void;
  /** An offer and its answer have met: addresses, codecs or direction may have changed. */
  readonly mediaChanged?: () => void;
  readonly digit?: (digit: string, durationMs: number) => void;
  readonly transferProgress?: (progress: TransferProgress) => void;
  /** The peer asks us to call somebody else (REFER): true answers 202, else 603. */
  readonly transferRequested?: (referTo: string) => boolean;
};

export type CallOptions = {
  readonly dialog: Dialog;
  readonly flow: Flow;
  readonly media: OfferAnswer;
  readonly handlers: CallHandlers;
  readonly credentials?: ChallengeAnswerer | undefined;
  /** Whether we sent the first INVITE: decides who waits longer after a 491 (14.1). */
  readonly isCaller: boolean;
  /** Takes a PRACK of a provisional response that our 200 waits for, and answers it: 481 when it names none. */
  readonly prack?: (request: SipRequest, answer: (status: 200 | 481) => void) => void;
  /** The methods of the peer's Allow header. */
  readonly peerAllows: readonly string[];
};
