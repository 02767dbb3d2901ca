import { RTP_HEADER_BYTES } from '../../protocols/rtp/rtp-packet.ts';

/** A packet to be written: header, payload, room for an authentication tag. */
export type OutgoingPacket = { readonly bytes: Buffer; readonly payload: Uint8Array };

/**
 * Lends the memory that outgoing packets are written into, the same again and again for all calls of a thread: it stays in the
 * processor's cache, where a buffer of each call's own would be fetched anew every 20 ms. What the system has not taken at once
 * is the network's: another takes its place.
 */
export class PacketPool {
  /** By payload and tag; there are but a few. */
  readonly #packets = new Map<number, OutgoingPacket>();
  readonly #frames = new Map<number, Int16Array>();

  /** The packet for so many bytes of payload and tag; what it holds is from before. */
  packet(payloadBytes: number, tagBytes: number): OutgoingPacket {
    const kind = kindOf(payloadBytes, tagBytes);
    let packet = this.#packets.get(kind);
    if (packet === undefined) {
      const bytes = Buffer.alloc(RTP_HEADER_BYTES + payloadBytes + tagBytes);
      packet = { bytes, payload: bytes.subarray(RTP_HEADER_BYTES, RTP_HEADER_BYTES + payloadBytes) };
      this.#packets.set(kind, packet);
    }
    return packet;
  }

  /** The network still holds the packet of this size: it is lent to nobody any more. */
  giveUp(payloadBytes: number, tagBytes: number): void {
    this.#packets.delete(kindOf(payloadBytes, tagBytes));
  }

  /** Room for so many samples, until the next packet. */
  frame(samples: number): Int16Array {
    let frame = this.#frames.get(samples);
    if (frame === undefined) {
      frame = new Int16Array(samples);
      this.#frames.set(samples, frame);
    }
    return frame;
  }
}

function kindOf(payloadBytes: number, tagBytes: number): number {
  return payloadBytes * 64 + tagBytes;
}
