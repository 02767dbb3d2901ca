import { type PayloadCodec, payloadCodec } from '@assistant/server/media/rtp/payload-codec';
import { isRtcp, patchRtpHeader, RtpView, writeRtpHeader } from '@assistant/server/protocols/rtp/rtp-packet';
import { SRTP_OVERHEAD_BYTES, SrtpReceiver, SrtpSender } from '@assistant/server/protocols/rtp/srtp';
import type { AgreedMedia } from '@assistant/server/protocols/sdp/agreed-media';
import { CODECS, type CodecName } from '@assistant/server/protocols/sdp/codecs';

/** What a call agrees on unless a test says otherwise: PCMU with digits as events, the phone on 127.0.0.1:40000. */
export function agreed(codec: CodecName = 'PCMU', changes: Partial<AgreedMedia> = {}): AgreedMedia {
  return {
    codec: CODECS[codec],
    payloadType: CODECS[codec].payloadType,
    dtmfPayloadType: 101,
    noisePayloadType: 13,
    frameMs: 20,
    remote: { address: '127.0.0.1', port: 40_000, rtcpPort: 40_001 },
    hasRtcpMux: false,
    direction: 'sendrecv',
    srtp: undefined,
    ...changes,
  };
}

/** What the phone has understood of one packet of ours. */
export type HeardPacket = {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
};

/** A telephone over RTP, without its sockets: a packet every time `frame` is called, and an ear for ours. */
export class RtpPhone {
  readonly packets: HeardPacket[] = [];
  readonly reports: Buffer[] = [];
  ssrc = 0x1234_5678;
  sequence = 65_530;
  timestamp = 4_294_967_000;
  readonly #media: AgreedMedia;
  readonly #codec: PayloadCodec;
  readonly #speech: Int16Array[] = [];
  readonly #srtpOut: SrtpSender | null;
  readonly #srtpIn: SrtpReceiver | null;

  /** `media` is what the server agreed on: its local key is the one it sends with. */
  constructor(media: AgreedMedia) {
    this.#media = media;
    this.#codec = payloadCodec(media.codec.name);
    const { srtp } = media;
    this.#srtpOut = srtp === undefined ? null : new SrtpSender(srtp.suite, srtp.remoteKey);
    this.#srtpIn = srtp === undefined ? null : new SrtpReceiver(srtp.suite, srtp.localKey);
  }

  get #ticks(): number {
    return this.#media.codec.clockRate / 50;
  }

  /** Whether everything was said. */
  get isQuiet(): boolean {
    return this.#speech.length === 0;
  }

  speak(samples: Int16Array): void {
    const size = this.#codec.sampleRate / 50;
    for (let at = 0; at < samples.length; at += size) {
      const frame = new Int16Array(size);
      frame.set(samples.subarray(at, at + size));
      this.#speech.push(frame);
    }
  }

  /** The next packet: speech, or silence. */
  frame(): Buffer {
    const codec = this.#codec;
    const payload = new Uint8Array(codec.frameBytes);
    codec.encode(this.#speech.shift() ?? new Int16Array(codec.sampleRate / 50), payload);
    this.timestamp += this.#ticks;
    return this.packet(this.#media.payloadType, payload);
  }

  /** The packets of a key held for `frames` of 20 ms: the duration growing, the end three times. */
  digit(digit: string, frames = 3): Buffer[] {
    const event = '0123456789*#ABCD'.indexOf(digit);
    const durations = Array.from({ length: frames + 2 }, (_, index) => Math.min(index + 1, frames) * this.#ticks);
    this.timestamp += this.#ticks;
    const packets = durations.map((duration, index) => {
      const payload = Uint8Array.of(event, (index < frames - 1 ? 0 : 0x80) | 10, duration >> 8, duration);
      return this.packet(this.#media.dtmfPayloadType ?? 101, payload, index === 0);
    });
    this.timestamp += (frames - 1) * this.#ticks;
    return packets;
  }

  packet(payloadType: number, payload: Uint8Array, marker = false): Buffer {
    const length = 12 + payload.length;
    const bytes = Buffer.alloc(length + SRTP_OVERHEAD_BYTES);
    writeRtpHeader(bytes, { payloadType, ssrc: this.ssrc });
    patchRtpHeader(bytes, this.sequence++, this.timestamp, marker);
    bytes.set(payload, 12);
    return bytes.subarray(0, this.#srtpOut?.protect(bytes, length) ?? length);
  }

  /** A packet of ours. */
  take(bytes: Uint8Array): void {
    if (isRtcp(bytes)) {
      this.takeReport(bytes);
      return;
    }
    const copy = Uint8Array.from(bytes);
    const opened = this.#srtpIn?.unprotect(copy);
    if (opened !== undefined && !opened.ok) throw new Error(`our packet is ${opened.reason}`);
    const view = new RtpView();
    if (!view.parse(copy, opened?.length ?? copy.length)) throw new Error('our packet is none');
    const { payloadType, marker, sequence, timestamp, ssrc, payloadStart, payloadEnd } = view;
    const payload = copy.slice(payloadStart, payloadEnd);
    this.packets.push({ payloadType, marker, sequence, timestamp, ssrc, payload });
  }

  takeReport(bytes: Uint8Array): void {
    const copy = Buffer.from(bytes);
    const opened = this.#srtpIn?.unprotectRtcp(copy);
    if (opened !== undefined && !opened.ok) throw new Error(`our report is ${opened.reason}`);
    this.reports.push(copy.subarray(0, opened?.length ?? copy.length));
  }

  /** The RTCP packet types that came, compound by compound: 200 SR, 201 RR, 202 SDES, 203 BYE. */
  get reportTypes(): number[][] {
    return this.reports.map((compound) => {
      const types: number[] = [];
      for (let at = 0; at + 4 <= compound.length; at += 4 * (compound.readUInt16BE(at + 2) + 1)) {
        types.push(compound[at + 1] as number);
      }
      return types;
    });
  }

  get isHungUp(): boolean {
    return this.reportTypes.some((types) => types.includes(203));
  }

  heard(): Int16Array {
    const codec = payloadCodec(this.#media.codec.name);
    const audio = this.packets.filter(({ payloadType }) => payloadType === this.#media.payloadType);
    const samples = new Int16Array((audio.length * codec.sampleRate) / 50);
    for (const [index, { payload }] of audio.entries()) {
      codec.decode(payload, 0, payload.length, samples.subarray((index * codec.sampleRate) / 50));
    }
    return samples;
  }
}
