import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { PolledSockets } from './polled-sockets.ts';
import { adoptSocket } from './upgraded-socket.ts';

/** The most that is read at once, over all calls. */
const READ_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** `poll`: whether sockets are read without Node where that can be done; `refused` is told once why it cannot. */
export type AdoptOptions = {
  readonly messageBytes: number;
  readonly poll?: boolean;
  readonly refused?: (reason: string) => void;
};

/** To be disposed once all sockets are closed, or are to be Node's again. */
export type AdoptedUpgrades = Disposable & {
  /** Emits `upgrade` as the server does, for who listens to that and nothing else. */
  readonly upgrades: EventEmitter;
};

/** Upgrades of a server with their sockets adopted: see `adoptSocket`. */
export function adoptUpgrades(server: Server, options: AdoptOptions): AdoptedUpgrades {
  const { messageBytes, poll = true, refused = () => undefined } = options;
  const upgrades = new EventEmitter();
  const memory = Buffer.allocUnsafeSlow(READ_BYTES);
  let polled: PolledSockets | null = null;
  server.once('listening', () => {
    if (poll) polled = tryPolling(memory, refused);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const adopted = adoptSocket(socket, head, { memory, messageBytes, polled });
    request.socket = adopted;
    upgrades.emit('upgrade', request, adopted, adopted === socket ? head : NOTHING);
  });
  const dispose = () => {
    polled?.[Symbol.dispose]();
    polled = null;
  };
  return { upgrades, [Symbol.dispose]: dispose };
}

function tryPolling(memory: Buffer, refused: (reason: string) => void): PolledSockets | null {
  try {
    return new PolledSockets(memory);
  } catch (error) {
    refused(error instanceof Error ? error.message : String(error));
    return null;
  }
}
