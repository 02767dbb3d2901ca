import { beginTransfer } from './on-transfer.ts';
import type { Step } from './transitions.ts';
import { after, end, listen } from './transitions.ts';
import type { TurnEffect } from './turn-effect.ts';
import { cancelTimer } from './turn-effect.ts';
import type { Closing, Reply, Speaking, Thinking } from './turn-state.ts';

/** A reply was heard to its end: what it said comes next. */
export function finishReply(state: Thinking | Speaking | Closing, atMs: number): Step {
  const { reply, memory } = state;
  const effects = replyOver(reply);
  const { outcome } = reply;
  switch (outcome.type) {
    case 'listen':
      return after(effects, listen(memory, reply.isIdleQuestion, atMs));
    case 'end':
      return after(effects, end(state, outcome.reason));
    case 'transfer':
      return after(effects, beginTransfer(memory, outcome));
  }
}

/** What ends with a reply that was heard. */
export function replyOver(reply: Reply): TurnEffect[] {
  return [cancelTimer('progress'), cancelTimer('confirmation'), { type: 'settle_reply', replyId: reply.id }];
}
