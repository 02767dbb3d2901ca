import type { Dialog } from '../dialog/dialog.ts';
import { tagOf } from '../message/name-address.ts';

/**
 * The URI that calls a dialog's peer in place of us: its target with a Replaces header (RFC 3891, 3; RFC 5589, 7.3). The tags are
 * as that peer sees them: its own is `to-tag`.
 */
export function replacingTarget(dialog: Dialog): string {
  const replaces = `${dialog.callId};to-tag=${tagOf(dialog.remote) ?? '0'};from-tag=${tagOf(dialog.local) ?? '0'}`;
  const joiner = dialog.remoteTarget.includes('?') ? '&' : '?';
  return `${dialog.remoteTarget}${joiner}Replaces=${encodeURIComponent(replaces)}`;
}
