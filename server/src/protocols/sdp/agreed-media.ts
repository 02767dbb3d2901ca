import type { Codec } from './codecs.ts';
import type { Direction } from './session-description.ts';

export type SrtpSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32' | 'AEAD_AES_128_GCM';

/** What an offer and its answer settled for the one audio stream of a call. */
export type AgreedMedia = {
  readonly codec: Codec;
  /** The payload type both sides use for it. */
  readonly payloadType: number;
  /** telephone-event on the audio's clock; undefined when the peer has none. */
  readonly dtmfPayloadType: number | undefined;
  /** Comfort noise (RFC 3389), when the peer has it. */
  readonly noisePayloadType: number | undefined;
  readonly frameMs: number;
  readonly remote: { readonly address: string; readonly port: number; readonly rtcpPort: number };
  readonly hasRtcpMux: boolean;
  /** Ours: `recvonly` and `inactive` mean that we are held and send nothing. */
  readonly direction: Direction;
  readonly srtp:
    | { readonly suite: SrtpSuite; readonly localKey: Uint8Array; readonly remoteKey: Uint8Array }
    | undefined;
};

/** Whether the peer wants to hear nothing. */
export function isHeld({ direction }: AgreedMedia): boolean {
  return direction === 'recvonly' || direction === 'inactive';
}
