import type { PlaneMemory } from './media-plane.ts';
import type { OpenSocketsMemory } from './udp/open-sockets.ts';
import type { UdpChoice } from './udp/open-udp-io.ts';

/** What a media thread is started with. */
export type MediaThreadStart = {
  readonly memory: PlaneMemory;
  readonly udp: UdpChoice;
  readonly openSockets: OpenSocketsMemory;
};
