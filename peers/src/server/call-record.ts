import type { CallEvent, CallTurn } from '@assistant/server/core/call/call-record';

/** GET /v1/calls/{contextId}, as far as the suites read it. */
export type CallRecord = {
  readonly call: {
    readonly contextId: string;
    readonly assistantId: string;
    readonly channel: string;
    readonly direction: string;
    readonly from: string | null;
    readonly status: string;
    readonly endReason: string | null;
    readonly createdAt: string;
    readonly answeredAt: string | null;
    readonly endedAt: string | null;
  };
  readonly dtmf: string;
  readonly turns: readonly CallTurn[];
  readonly events: readonly CallEvent[];
};

/** What one side said, turn after turn. */
export function textsOf(record: CallRecord, role: CallTurn['role']): string[] {
  return record.turns.filter((turn) => turn.role === role).map((turn) => turn.text);
}
