import type { CallEvent, CallTurn } from '../core/call/call-record.ts';

/** Where a conversation leaves its record. Nothing here may wait or throw. */
export interface ConversationRecorder {
  turn(turn: CallTurn): void;
  event(event: CallEvent): void;
  /** One key the caller pressed. */
  digit(digit: string): void;
}
