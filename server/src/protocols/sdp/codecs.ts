/** The audio codecs a description may agree on, and how RFC 3551 numbers them. */

export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'L16';

export type Codec = {
  readonly name: CodecName;
  /** The RTP clock, Hz. G.722 keeps 8000 by an old mistake, though it samples at 16000 (RFC 3551, 4.5.2). */
  readonly clockRate: number;
  readonly sampleRate: number;
  /** The static payload type, or the dynamic one we offer. */
  readonly payloadType: number;
};

export const CODECS: Readonly<Record<CodecName, Codec>> = {
  PCMU: { name: 'PCMU', clockRate: 8000, sampleRate: 8000, payloadType: 0 },
  PCMA: { name: 'PCMA', clockRate: 8000, sampleRate: 8000, payloadType: 8 },
  G722: { name: 'G722', clockRate: 8000, sampleRate: 16000, payloadType: 9 },
  L16: { name: 'L16', clockRate: 16000, sampleRate: 16000, payloadType: 118 },
};

/** One format of an m= line, from a=rtpmap or from RFC 3551's table where there is none. */
export type PayloadFormat = {
  readonly payloadType: number;
  readonly encoding: string;
  readonly clockRate: number;
  readonly channels: number;
};

/** Static payload types that may come without a=rtpmap (RFC 3551, table 4). */
export const STATIC_FORMATS: readonly PayloadFormat[] = [
  { payloadType: 0, encoding: 'PCMU', clockRate: 8000, channels: 1 },
  { payloadType: 3, encoding: 'GSM', clockRate: 8000, channels: 1 },
  { payloadType: 4, encoding: 'G723', clockRate: 8000, channels: 1 },
  { payloadType: 8, encoding: 'PCMA', clockRate: 8000, channels: 1 },
  { payloadType: 9, encoding: 'G722', clockRate: 8000, channels: 1 },
  { payloadType: 13, encoding: 'CN', clockRate: 8000, channels: 1 },
  { payloadType: 18, encoding: 'G729', clockRate: 8000, channels: 1 },
];

/** The codec of ours a format is, if any. */
export function codecOf(format: PayloadFormat, allowed: readonly CodecName[]): Codec | undefined {
  const name = allowed.find((candidate) => candidate === format.encoding.toUpperCase());
  const codec = name && CODECS[name];
  return codec && codec.clockRate === format.clockRate && format.channels === 1 ? codec : undefined;
}

/** The format called `encoding` at a clock rate: telephone-event or CN must run on the audio's clock (RFC 4733, 2.1). */
export function findFormat(
  formats: readonly PayloadFormat[],
  encoding: string,
  clockRate: number,
): PayloadFormat | undefined {
  return formats.find((format) => format.encoding.toLowerCase() === encoding && format.clockRate === clockRate);
}
