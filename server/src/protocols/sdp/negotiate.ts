import type { AgreedMedia, SrtpSuite } from './agreed-media.ts';
import { CODECS, type Codec, type CodecName, codecOf, findFormat, type PayloadFormat } from './codecs.ts';
import type { CryptoLine, Direction, MediaLine, SessionDescription } from './session-description.ts';

/** Audio goes out in frames of 20 ms whatever is asked: the pacer's tick. */
const FRAME_MS = 20;
/** In the order of an offer of ours, which is the order of preference. */
export const SRTP_SUITES: readonly SrtpSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AEAD_AES_128_GCM',
];
/** Of the longest master key and salt. */
export const SRTP_KEY_BYTES = 30;
/** Master key and salt (RFC 4568, 6.2; RFC 7714, 12). */
const KEY_BYTES: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AEAD_AES_128_GCM: 28,
};

/** What we can do on a call. */
export type LocalMedia = {
  readonly address: string;
  readonly port: number;
  /** In the order of an offer of ours; an answer follows the offerer's order. */
  readonly codecs: readonly CodecName[];
  /** 30 bytes; a suite takes as many as it needs, and of one stream only one suite is used. SRTP is required in our offers and may be answered; only where the signalling is encrypted, for the key travels in it. */
  readonly srtpKey?: Uint8Array;
};

/** The agreed stream, and which m= line of the offer it is; or why there is none. */
export type Match =
  | { readonly media: AgreedMedia; readonly index: number; readonly cryptoTag: number | undefined }
  | { readonly refused: string };

/**
 * Picks the audio line of an offer and one codec of it (RFC 3264, 6.1): the first line and the first format we have. RTP/SAVP is
 * never answered as RTP/AVP or the other way round.
 */
export function matchOffer(offer: SessionDescription, local: LocalMedia): Match {
  let refused = 'no audio line';
  for (const [index, line] of offer.media.entries()) {
    if (line.kind !== 'audio' || line.port === 0) continue;
    const codec = pickCodec(line.formats, local.codecs);
    const crypto = pickCrypto(line, local);
    if (!codec) refused = 'no codec in common';
    else if (crypto === 'refused') refused = `transport ${line.protocol} is not possible here`;
    else
      return {
        index,
        cryptoTag: crypto?.tag,
        media: agree(line, codec, { local, crypto, direction: reverseDirection(line) }),
      };
  }
  return { refused };
}

/** Reads the answer to an offer of ours: the only line, the first format it kept (RFC 3264, 7). */
export function matchAnswer(answer: SessionDescription, local: LocalMedia): Match {
  const [line] = answer.media;
  if (line?.kind !== 'audio' || line.port === 0) return { refused: 'the audio line was refused' };
  const codec = pickCodec(line.formats, local.codecs);
  const crypto = pickCrypto(line, local);
  if (!codec) return { refused: 'no codec in common' };
  if (crypto === 'refused' || (crypto === undefined) !== (local.srtpKey === undefined))
    return { refused: 'the answer changes the transport' };
  return {
    index: 0,
    cryptoTag: crypto?.tag,
    media: agree(line, codec, { local, crypto, direction: reverseDirection(line) }),
  };
}

type Picked = { readonly codec: Codec; readonly payloadType: number };

function pickCodec(formats: readonly PayloadFormat[], allowed: readonly CodecName[]): Picked | undefined {
  for (const format of formats) {
    const codec = codecOf(format, allowed);
    if (codec) return { codec, payloadType: format.payloadType };
  }
  return undefined;
}

/** Undefined: plain RTP. 'refused': what the line wants cannot be had. */
function pickCrypto(line: MediaLine, local: LocalMedia): CryptoLine | undefined | 'refused' {
  if (line.protocol === 'RTP/AVP') return undefined;
  if (line.protocol !== 'RTP/SAVP' || !local.srtpKey) return 'refused';
  const usable = line.crypto.filter(({ suite, key }) => isSuite(suite) && key.length === KEY_BYTES[suite]);
  return SRTP_SUITES.flatMap((suite) => usable.filter((one) => one.suite === suite))[0] ?? 'refused';
}

function isSuite(suite: string): suite is SrtpSuite {
  return SRTP_SUITES.some((known) => known === suite);
}

type Terms = { readonly local: LocalMedia; readonly crypto: CryptoLine | undefined; readonly direction: Direction };

function agree(line: MediaLine, { codec, payloadType }: Picked, { local, crypto, direction }: Terms): AgreedMedia {
  const { address, port, rtcpPort, formats, hasRtcpMux } = line;
  const suite = crypto && isSuite(crypto.suite) ? crypto.suite : undefined;
  return {
    codec,
    payloadType,
    dtmfPayloadType: findFormat(formats, 'telephone-event', codec.clockRate)?.payloadType,
    noisePayloadType: findFormat(formats, 'cn', codec.clockRate)?.payloadType,
    frameMs: FRAME_MS,
    remote: { address, port, rtcpPort: hasRtcpMux ? port : (rtcpPort ?? port + 1) },
    hasRtcpMux,
    direction,
    srtp:
      suite && crypto && local.srtpKey
        ? { suite, localKey: srtpKeyFor(suite, local.srtpKey), remoteKey: crypto.key }
        : undefined,
  };
}

/** What of our key a suite takes. */
export function srtpKeyFor(suite: SrtpSuite, key: Uint8Array): Uint8Array {
  return key.subarray(0, KEY_BYTES[suite]);
}

/** RFC 3264, 6.1 and 8.4: their sendonly is our recvonly; a null address is the old way to hold. */
function reverseDirection({ direction, address }: MediaLine): Direction {
  const isNull = address === '0.0.0.0' || address === '::';
  if (direction === 'sendonly') return 'recvonly';
  if (direction === 'recvonly') return isNull ? 'inactive' : 'sendonly';
  return isNull && direction === 'sendrecv' ? 'recvonly' : direction;
}

/** The formats of an offer of ours, with the payload types they get. */
export function offeredFormats(local: LocalMedia): PayloadFormat[] {
  const audio = local.codecs.map((name) => ({
    payloadType: CODECS[name].payloadType,
    encoding: name,
    clockRate: CODECS[name].clockRate,
    channels: 1,
  }));
  const rates = [...new Set(audio.map(({ clockRate }) => clockRate))];
  const events = rates.map((clockRate) => ({
    payloadType: clockRate === 8000 ? 101 : 102,
    encoding: 'telephone-event',
    clockRate,
    channels: 1,
  }));
  return [...audio, ...events];
}
