import { bodyText, headerOf, type SipRequest } from '../message/message.ts';
import { reasonPhrase } from '../message/reason-phrases.ts';
import { contentTypeOf } from '../message/typed-headers.ts';

/** How a transfer stands, as the NOTIFY of a REFER tells it (RFC 3515, 2.4.4): the status line of the new call. */
export type TransferProgress = { readonly status: number; readonly isFinal: boolean };

/** Reads a NOTIFY; undefined when it is none of a REFER. A terminated subscription is final whatever the fragment says. */
export function parseTransferNotify(notify: SipRequest): TransferProgress | undefined {
  const event = (headerOf(notify, 'Event') ?? '').split(';')[0]?.trim().toLowerCase();
  if (event !== 'refer' || contentTypeOf(notify) !== 'message/sipfrag') return undefined;
  const status = Number(/^SIP\/2\.0 ([1-6][0-9]{2})/.exec(bodyText(notify))?.[1] ?? 0);
  const isTerminated = /^terminated\b/i.test(headerOf(notify, 'Subscription-State') ?? '');
  return status === 0 && !isTerminated ? undefined : { status, isFinal: isTerminated || status >= 200 };
}

/** The parts of a NOTIFY of ours about a transfer we were asked for. */
export function printTransferNotify(status: number) {
  const state = status >= 200 ? 'terminated;reason=noresource' : 'active;expires=60';
  return {
    headers: [
      { name: 'Event', value: 'refer' },
      { name: 'Subscription-State', value: state },
      { name: 'Content-Type', value: 'message/sipfrag;version=2.0' },
    ],
    body: Buffer.from(`SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`),
  };
}
