/** An address and port, as numbers and text: an IP address, never a name. */
export type Endpoint = { readonly address: string; readonly port: number };

/** Where a call's packets go. */
export type Targets = {
  /** Null: nowhere yet. */
  readonly rtp: Endpoint | null;
  readonly rtcp: Endpoint | null;
  /** RTCP goes by the RTP port (RFC 5761). */
  readonly hasRtcpMux: boolean;
};

/** The way packets leave: a pair of UDP sockets, or what stands for it in a test. Nothing here throws. */
export interface DatagramSink {
  /** From now on packets go there. */
  aim(targets: Targets): void;
  /** Lets nobody but the RTP target in any more. */
  lock(): void;
  /** Lets everybody in again. */
  unlock(): void;
  /** Sends a packet; false when the network has not taken it yet: its bytes must stay as they are then. */
  sendRtp(packet: Buffer): boolean;
  sendRtcp(packet: Uint8Array): void;
  close(): void;
}
