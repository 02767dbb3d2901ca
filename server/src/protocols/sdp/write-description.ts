import { type SessionDescription as RawDescription, write } from 'sdp-transform';
import type { AgreedMedia, SrtpSuite } from './agreed-media.ts';
import type { PayloadFormat } from './codecs.ts';
import { type LocalMedia, offeredFormats, SRTP_SUITES, srtpKeyFor } from './negotiate.ts';
import type { Direction, MediaLine, SessionDescription } from './session-description.ts';

/** Who describes: `id` stays for the life of a call, `version` rises with every change (RFC 8866, 5.2). */
export type Origin = { readonly id: string; readonly version: number };

/** The answer to an offer: as many m= lines in the same order, all but one refused by port 0 (RFC 3264, 6). */
export function writeAnswer(
  offer: SessionDescription,
  chosen: { media: AgreedMedia; index: number; cryptoTag: number | undefined },
  from: { local: LocalMedia; origin: Origin },
): string {
  const { media, index, cryptoTag } = chosen;
  const formats: PayloadFormat[] = [
    { payloadType: media.payloadType, encoding: media.codec.name, clockRate: media.codec.clockRate, channels: 1 },
  ];
  if (media.dtmfPayloadType !== undefined)
    formats.push({
      payloadType: media.dtmfPayloadType,
      encoding: 'telephone-event',
      clockRate: media.codec.clockRate,
      channels: 1,
    });
  const lines = offer.media.map((line, at) => {
    if (at !== index) return refusedLine(line);
    const crypto = media.srtp && cryptoTag !== undefined ? [{ tag: cryptoTag, suite: media.srtp.suite }] : [];
    return audioLine(from.local, { formats, direction: media.direction, crypto, hasRtcpMux: media.hasRtcpMux });
  });
  return writeSession(from.local, from.origin, lines);
}

/** An offer: one audio line with all we can do. */
export function writeOffer(local: LocalMedia, origin: Origin, direction: Direction): string {
  const crypto = local.srtpKey ? SRTP_SUITES.map((suite, at) => ({ tag: at + 1, suite })) : [];
  return writeSession(local, origin, [
    audioLine(local, { formats: offeredFormats(local), direction, crypto, hasRtcpMux: true }),
  ]);
}

type RawMedia = RawDescription['media'][number];

type AudioTerms = {
  readonly formats: readonly PayloadFormat[];
  readonly direction: Direction;
  readonly crypto: readonly { readonly tag: number; readonly suite: SrtpSuite }[];
  readonly hasRtcpMux: boolean;
};

function audioLine(local: LocalMedia, { formats, direction, crypto, hasRtcpMux }: AudioTerms): RawMedia {
  const line: RawMedia = {
    type: 'audio',
    port: local.port,
    protocol: crypto.length > 0 ? 'RTP/SAVP' : 'RTP/AVP',
    payloads: formats.map(({ payloadType }) => payloadType).join(' '),
    rtp: formats.map(({ payloadType, encoding, clockRate }) => ({
      payload: payloadType,
      codec: encoding,
      rate: clockRate,
    })),
    fmtp: formats
      .filter(({ encoding }) => encoding === 'telephone-event')
      .map(({ payloadType }) => ({ payload: payloadType, config: '0-15' })),
    ptime: 20,
    direction,
  };
  if (crypto.length > 0)
    line.crypto = crypto.map(({ tag, suite }) => ({ id: tag, suite, config: keyLine(local, suite) }));
  if (hasRtcpMux) line.rtcpMux = 'rtcp-mux';
  return line;
}

function keyLine({ srtpKey = new Uint8Array(0) }: LocalMedia, suite: SrtpSuite): string {
  return `inline:${Buffer.from(srtpKeyFor(suite, srtpKey)).toString('base64')}`;
}

function refusedLine({ kind, protocol, payloads }: MediaLine): RawMedia {
  return { type: kind, port: 0, protocol, payloads, rtp: [], fmtp: [] };
}

function writeSession(local: LocalMedia, origin: Origin, media: RawMedia[]): string {
  const version = local.address.includes(':') ? 6 : 4;
  const session: RawDescription = {
    version: 0,
    origin: {
      username: '-',
      sessionId: origin.id,
      sessionVersion: origin.version,
      netType: 'IN',
      ipVer: version,
      address: local.address,
    },
    name: '-',
    connection: { version, ip: local.address },
    timing: { start: 0, stop: 0 },
    media,
  };
  return write(session);
}
