import type { MediaEnd } from '../../core/ports/media-transport.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import type { CallNumber } from '../call-number.ts';
import type { PortRange } from './port-pairs.ts';
import type { RtpStats } from './rtp-stats.ts';
import type { SilenceLimits } from './silence-watch.ts';

/** Names a request for ports; main never uses one twice. */
export type OpeningNumber = number;

/** What main asks of the worker's RTP calls. Those for a call that is over do nothing. */
export type RtpCommand =
  | {
      readonly type: 'rtp_open';
      readonly opening: OpeningNumber;
      /** An address of this machine or its name, or 0.0.0.0 or ::. */
      readonly host: string;
      readonly ports: PortRange;
      readonly limits: SilenceLimits;
    }
  /** `memory` is main's, zeroed; the worker lets go of it when it says `closed`. */
  | {
      readonly type: 'rtp_start';
      readonly call: CallNumber;
      readonly media: AgreedMedia;
      readonly memory: SharedArrayBuffer;
      readonly sampleRate: number;
    }
  | { readonly type: 'rtp_update'; readonly call: CallNumber; readonly media: AgreedMedia }
  | { readonly type: 'rtp_digits'; readonly call: CallNumber; readonly digits: string }
  | { readonly type: 'rtp_end'; readonly call: CallNumber; readonly end: MediaEnd };

/** What the worker tells main of RTP alone. */
export type RtpNews =
  | {
      readonly type: 'rtp_opened';
      readonly opening: OpeningNumber;
      readonly call: CallNumber;
      readonly port: number;
    }
  /** `code` is the system's word, or null when all pairs are in use. */
  | { readonly type: 'rtp_refused'; readonly opening: OpeningNumber; readonly code: string | null }
  | { readonly type: 'rtp_stats'; readonly call: CallNumber; readonly stats: RtpStats }
  /** The sockets are closed. */
  | { readonly type: 'rtp_released'; readonly call: CallNumber };
