/**
 * The media side of a call, as the signalling sees it (RFC 3264): texts of SDP in, texts out. All synchronous; sdp/ implements
 * the rules, the user of the stack its policy.
 */
export interface OfferAnswer {
  /** The answer to the peer's offer; undefined refuses it with 488 and changes nothing. */
  answer(offer: string): string | undefined;
  /** An offer of ours: for an INVITE without SDP, for a re-INVITE, for an outgoing call. */
  offer(): string;
  /** Takes the answer to our newest offer; false when it cannot be used. */
  accept(answer: string): boolean;
  /** Our newest offer was refused: back to what was agreed before. */
  rollback(): void;
}
