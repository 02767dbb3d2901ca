import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { adoptSocket } from './upgraded-socket.ts';

/** The most that is read at once, over all calls. */
const READ_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Upgrades of a server with their sockets adopted (`adoptSocket`): emits `upgrade` as the server does, for who listens to that
 * and nothing else.
 */
export function adoptUpgrades(server: Server, messageBytes: number): EventEmitter {
  const upgrades = new EventEmitter();
  const parts = { memory: Buffer.allocUnsafeSlow(READ_BYTES), messageBytes };
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const adopted = adoptSocket(socket, head, parts);
    request.socket = adopted;
    upgrades.emit('upgrade', request, adopted, adopted === socket ? head : NOTHING);
  });
  return upgrades;
}
