import { parse } from 'sdp-transform';
import { type PayloadFormat, STATIC_FORMATS } from './codecs.ts';

const MAX_CHARS = 16_384;
const MAX_MEDIA = 16;

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** One a=crypto line (RFC 4568, 9.1). `key` is master key and salt, 30 bytes for the AES_CM_128 suites, 28 for AES-GCM. */
export type CryptoLine = { readonly tag: number; readonly suite: string; readonly key: Uint8Array };

/** One m= line; `formats` holds what could be read of an audio line. */
export type MediaLine = {
  readonly kind: string;
  /** 0: refused or stopped. */
  readonly port: number;
  readonly protocol: string;
  /** The format list as it stands, to be repeated when the line is refused. */
  readonly payloads: string;
  readonly address: string;
  readonly rtcpPort: number | undefined;
  readonly hasRtcpMux: boolean;
  readonly direction: Direction;
  readonly formats: readonly PayloadFormat[];
  readonly maxPtimeMs: number | undefined;
  readonly crypto: readonly CryptoLine[];
};

export type SessionDescription = {
  /** `sess-id sess-version`: the same pair again means that nothing changed (RFC 3264, 8). */
  readonly origin: string;
  readonly media: readonly MediaLine[];
};

/** Reads a description (RFC 8866). Undefined when it is none, is over 16 KiB or has over 16 m= lines. Never throws. */
export function parseSessionDescription(text: string): SessionDescription | undefined {
  if (text.length > MAX_CHARS || !/^v=0\r?\n/.test(text)) return undefined;
  let session: ReturnType<typeof parse>;
  try {
    session = parse(text);
  } catch {
    return undefined;
  }
  if (!session.origin || session.media.length > MAX_MEDIA) return undefined;
  const media = session.media.map((line): MediaLine => {
    const payloads = `${line.payloads ?? ''}`;
    return {
      kind: line.type,
      port: line.port,
      protocol: line.protocol,
      payloads,
      address: line.connection?.ip ?? session.connection?.ip ?? '',
      rtcpPort: line.rtcp?.port,
      hasRtcpMux: line.rtcpMux !== undefined,
      direction: line.direction ?? session.direction ?? 'sendrecv',
      formats: readFormats(payloads, line.rtp),
      maxPtimeMs: line.maxptime,
      crypto: readCrypto(line.crypto ?? []),
    };
  });
  return { origin: `${session.origin.sessionId} ${session.origin.sessionVersion}`, media };
}

type RtpMap = { readonly payload: number; readonly codec: string; readonly rate?: number; readonly encoding?: number };

function readFormats(payloads: string, rtpMaps: readonly RtpMap[]): PayloadFormat[] {
  return payloads.split(' ').flatMap((text) => {
    const payloadType = Number(text);
    if (!/^[0-9]{1,3}$/.test(text) || payloadType > 127) return [];
    const map = rtpMaps.find(({ payload }) => payload === payloadType);
    if (map) return [{ payloadType, encoding: map.codec, clockRate: map.rate ?? 8000, channels: map.encoding ?? 1 }];
    return STATIC_FORMATS.filter((format) => format.payloadType === payloadType);
  });
}

type RawCrypto = { readonly id: number; readonly suite: string; readonly config: string };

/** `inline:` keys only, the first of several; a line with session parameters we do not know is passed over (RFC 4568, 6.3). */
function readCrypto(lines: readonly RawCrypto[]): CryptoLine[] {
  return lines.flatMap(({ id, suite, config }) => {
    const [keyParams = '', ...session] = config.trim().split(/\s+/);
    const base64 = /^inline:([A-Za-z0-9+/=]+)(?:\||;|$)/.exec(keyParams)?.[1];
    if (base64 === undefined || session.some((param) => !param.startsWith('-'))) return [];
    return [{ tag: id, suite, key: new Uint8Array(Buffer.from(base64, 'base64')) }];
  });
}
