import { dtmfTones } from '../../audio/dtmf-tones.ts';
import { Resampler } from '../../audio/resampler.ts';
import { FRAME_MS, samplesPerFrame } from '../../core/audio-frame.ts';
import type { Random } from '../../core/ports/random.ts';
import type { SentStream } from '../../protocols/rtp/rtcp.ts';
import { patchRtpHeader, RTP_HEADER_BYTES, writeRtpHeader } from '../../protocols/rtp/rtp-packet.ts';
import { SRTP_TAG_BYTES, type SrtpSender } from '../../protocols/rtp/srtp.ts';
import { TELEPHONE_EVENT_BYTES, TelephoneEventSender } from '../../protocols/rtp/telephone-event.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import type { Playout } from '../playout.ts';
import type { OutgoingPacket, PacketPool } from './packet-pool.ts';
import type { PayloadCodec } from './payload-codec.ts';

/** How long a key of ours is down. */
const DIGIT_MS = 160;
/** The wheel makes up for fewer turns than this; more it leaves out. */
const GAP_FRAMES = 3;
const SSRCS = 2 ** 32;
const TIMESTAMPS = 2 ** 32;
/** The lower half: a receiver of SRTP that misses the first packets must not take a wrap for a new start (RFC 3711, 3.3.1). */
const FIRST_SEQUENCES = 2 ** 15;

export type OutboundStart = {
  readonly codec: PayloadCodec;
  readonly media: AgreedMedia;
  /** Hz, of the call's memory. */
  readonly sampleRate: number;
  readonly packets: PacketPool;
  readonly random: Random;
  readonly nowMs: number;
};

/**
 * The stream to a peer: one packet for each turn, audio, silence or a digit. The timestamp follows the clock, so what was held back
 * leaves a gap in it; the marker stands on the first packet after such a gap only, as silence is sent too (RFC 3551, 4.1).
 * Nothing is allocated for a packet.
 */
export class RtpOutbound {
  /** Our name; it changes with `changeSource` only. */
  ssrc: number;
  /** Whether the last packet carried audio of the call. */
  hadAudio = false;
  readonly #playout: Playout;
  readonly #clockRate: number;
  readonly #sampleRate: number;
  readonly #firstTimestamp: number;
  readonly #startMs: number;
  readonly #digits: TelephoneEventSender;
  readonly #packets: PacketPool;
  readonly #random: Random;
  readonly #frame: Int16Array;
  readonly #resampler: Resampler | null;
  readonly #resampled: Int16Array;
  #srtp: SrtpSender | null = null;
  #codec: PayloadCodec;
  #media: AgreedMedia;
  #tagBytes = 0;
  #payloadBytes = 0;
  #sequence: number;
  #frames = -1;
  #behind = 0;
  #lastMs = 0;
  #isFirst = true;
  #sentPackets = 0;
  #octets = 0;
  #tones: Int16Array | null = null;
  #toneAt = 0;

  constructor(playout: Playout, start: OutboundStart) {
    const { codec, media, random, sampleRate } = start;
    this.#playout = playout;
    this.#codec = codec;
    this.#media = media;
    this.#clockRate = media.codec.clockRate;
    this.#sampleRate = sampleRate;
    this.#startMs = start.nowMs;
    this.#random = random;
    this.ssrc = random.below(SSRCS);
    this.#sequence = random.below(FIRST_SEQUENCES);
    this.#firstTimestamp = random.below(TIMESTAMPS);
    this.#digits = new TelephoneEventSender(this.#clockRate);
    this.#packets = start.packets;
    this.#frame = start.packets.frame(samplesPerFrame(sampleRate));
    this.#resampler = sampleRate === codec.sampleRate ? null : new Resampler(sampleRate, codec.sampleRate);
    this.#resampled = new Int16Array(samplesPerFrame(codec.sampleRate));
    this.use(codec, media, null);
  }

  /** What was sent so far, for a report at `nowMs`. */
  sent(nowMs: number): SentStream {
    const timestamp = this.#firstTimestamp + Math.round(((nowMs - this.#startMs) * this.#clockRate) / 1000);
    return { packets: this.#sentPackets, octets: this.#octets, timestamp: timestamp % TIMESTAMPS };
  }

  /** Goes on under another name, counted from nothing: somebody else has ours. */
  changeSource(): void {
    this.ssrc = this.#random.below(SSRCS);
    this.#sequence = this.#random.below(FIRST_SEQUENCES);
    this.#sentPackets = 0;
    this.#octets = 0;
    this.#isFirst = true;
  }

  /** Goes on with another codec of the same rates, other payload types or keys. */
  use(codec: PayloadCodec, media: AgreedMedia, srtp: SrtpSender | null): void {
    this.#codec = codec;
    this.#media = media;
    this.#srtp = srtp;
    this.#tagBytes = media.srtp === undefined ? 0 : SRTP_TAG_BYTES[media.srtp.suite];
  }

  /** Queues keys: as events where the peer has them (RFC 4733), else as the tones themselves. Others than 0-9*#A-D are left out. */
  sendDigits(digits: string): void {
    const keys = digits.toUpperCase().replace(/[^0-9*#A-D]/g, '');
    if (this.#media.dtmfPayloadType === undefined) this.#queueTones(keys);
    else for (const key of keys) this.#digits.push(key, DIGIT_MS);
  }

  /** The packet of this turn: valid until the next one of any call, unless it is `kept`. */
  next(nowMs: number): Buffer {
    this.#advance(nowMs);
    this.hadAudio = false;
    return this.#nextDigit() ?? this.#nextAudio();
  }

  /** The network has not taken the last packet yet: its memory is left alone. */
  kept(): void {
    this.#packets.giveUp(this.#payloadBytes, this.#tagBytes);
  }

  /** This turn nothing is sent. */
  pause(): void {
    this.#isFirst = true;
  }

  /** Turns made up for come at once, so only who is still behind at the next wake-up has left some out. */
  #advance(nowMs: number): void {
    this.#frames++;
    const due = Math.floor((nowMs - this.#startMs) / FRAME_MS);
    const behind = due - this.#frames;
    const wasLeftOut = behind >= GAP_FRAMES && this.#behind >= GAP_FRAMES && nowMs > this.#lastMs;
    this.#behind = behind;
    this.#lastMs = nowMs;
    if (!wasLeftOut && !(this.#isFirst && behind > 0)) return;
    this.#frames = due;
    this.#behind = 0;
    this.#isFirst = true;
  }

  #nextDigit(): Buffer | null {
    const { dtmfPayloadType } = this.#media;
    if (dtmfPayloadType === undefined || !this.#digits.isBusy) return null;
    const packet = this.#begin(TELEPHONE_EVENT_BYTES);
    const event = this.#digits.next(packet.bytes, RTP_HEADER_BYTES, this.#timestamp);
    if (event.type === 'gap') return this.#silence();
    return this.#finish(packet, { payloadType: dtmfPayloadType, timestamp: event.timestamp, marker: event.marker });
  }

  #nextAudio(): Buffer {
    const frame = this.#frame;
    const hasTone = this.#tones !== null && this.#takeTone(this.#tones);
    if (!hasTone && !this.#playout.take(frame, true)) return this.#silence();
    const packet = this.#begin(this.#codec.frameBytes);
    this.hadAudio = true;
    this.#resampler?.process(frame, this.#resampled);
    this.#codec.encode(this.#resampler === null ? frame : this.#resampled, packet.payload);
    return this.#finishAudio(packet);
  }

  #silence(): Buffer {
    const codec = this.#codec;
    const packet = this.#begin(codec.frameBytes);
    if (codec.silence === null)
      codec.encode(this.#packets.frame(samplesPerFrame(codec.sampleRate)).fill(0), packet.payload);
    else packet.payload.fill(codec.silence);
    return this.#finishAudio(packet);
  }

  get #timestamp(): number {
    return this.#firstTimestamp + this.#frames * ((this.#clockRate * FRAME_MS) / 1000);
  }

  #begin(payloadBytes: number): OutgoingPacket {
    this.#payloadBytes = payloadBytes;
    return this.#packets.packet(payloadBytes, this.#tagBytes);
  }

  #finishAudio(packet: OutgoingPacket): Buffer {
    const { payloadType } = this.#media;
    return this.#finish(packet, { payloadType, timestamp: this.#timestamp, marker: this.#isFirst });
  }

  #finish(
    { bytes, payload }: OutgoingPacket,
    header: { readonly payloadType: number; readonly timestamp: number; readonly marker: boolean },
  ): Buffer {
    writeRtpHeader(bytes, { payloadType: header.payloadType, ssrc: this.ssrc });
    patchRtpHeader(bytes, this.#sequence++, header.timestamp, header.marker);
    this.#isFirst = false;
    this.#sentPackets++;
    this.#octets += payload.length;
    this.#srtp?.protect(bytes, RTP_HEADER_BYTES + payload.length);
    return bytes;
  }

  #queueTones(keys: string): void {
    const tones = dtmfTones(keys, { sampleRate: this.#sampleRate });
    const left = this.#tones?.subarray(this.#toneAt) ?? new Int16Array(0);
    const all = new Int16Array(left.length + tones.length);
    all.set(left);
    all.set(tones, left.length);
    this.#tones = all.length === 0 ? null : all;
    this.#toneAt = 0;
  }

  #takeTone(tones: Int16Array): boolean {
    const frame = this.#frame;
    for (let index = 0; index < frame.length; index++) frame[index] = tones[this.#toneAt + index] ?? 0;
    this.#toneAt += frame.length;
    if (this.#toneAt >= tones.length) this.#tones = null;
    return true;
  }
}
