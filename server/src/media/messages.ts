import type { ContextId } from '../core/ids.ts';
import type { MediaEnd } from '../core/ports/media-transport.ts';
import type { CallNumber } from './call-number.ts';
import type { RtpCommand, RtpNews } from './rtp/rtp-messages.ts';
import type { OpenedUdp } from './udp/open-udp-io.ts';

export type { CallNumber };
export type ListenerNumber = number;

/** What main asks of the worker. */
export type MediaCommand =
  | RtpCommand
  | { readonly type: 'listen'; readonly listener: ListenerNumber; readonly host: string; readonly port: number }
  /** No new connections; named calls go on. */
  | { readonly type: 'drain'; readonly listener: ListenerNumber }
  /** The calls of this listener end, too. */
  | { readonly type: 'unlisten'; readonly listener: ListenerNumber }
  | { readonly type: 'close'; readonly call: CallNumber }
  /** Main has heard that the call is over and lets go of its memory. */
  | { readonly type: 'release'; readonly call: CallNumber }
  /** Everything ends, then the thread. */
  | { readonly type: 'stop' };

/** What the worker tells main; audio, marks and room go by shared memory and the doorbell. */
export type MediaNews =
  | RtpNews
  | {
      readonly type: 'arrived';
      readonly call: CallNumber;
      readonly listener: ListenerNumber;
      readonly contextId: ContextId;
      readonly remoteAddress: string;
      readonly sampleRate: number;
      readonly memory: SharedArrayBuffer;
    }
  /** The thread has begun. */
  | { readonly type: 'udp_opened'; readonly kind: OpenedUdp['io']['kind']; readonly objection: OpenedUdp['objection'] }
  | { readonly type: 'digit'; readonly call: CallNumber; readonly digit: string }
  /** Positions, modulo 2^32, that were sent while the peer stood still. */
  | { readonly type: 'unheard'; readonly call: CallNumber; readonly from: number; readonly to: number }
  | { readonly type: 'held'; readonly call: CallNumber; readonly isHeld: boolean }
  | { readonly type: 'closed'; readonly call: CallNumber; readonly end: MediaEnd }
  | { readonly type: 'listening'; readonly listener: ListenerNumber; readonly host: string; readonly port: number }
  | { readonly type: 'unlistened'; readonly listener: ListenerNumber }
  | { readonly type: 'listen_failed'; readonly listener: ListenerNumber; readonly code: string };

/** One message a tick for all calls: the doorbell has rung, and what else happened. `workerMs` is the worker's clock. */
export type MediaTick = { readonly workerMs: number; readonly news: readonly MediaNews[] };
