import dgram from 'node:dgram';
import net from 'node:net';

/** Test traffic stays on this machine: any other address fails the test that tried it. */
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+|localhost)$/i;

function refuse(address: string): never {
  throw new Error(`Tests talk to loopback only, this one tried ${address}`);
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function guardedConnect(this: net.Socket, ...args: unknown[]) {
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  const host =
    typeof first === 'object' && first !== null
      ? (first as { path?: string; host?: string }).path !== undefined
        ? undefined
        : ((first as { host?: string }).host ?? 'localhost')
      : typeof args[1] === 'string'
        ? args[1]
        : undefined;
  if (host !== undefined && !LOOPBACK.test(host)) refuse(host);
  return (connect as (...all: unknown[]) => net.Socket).apply(this, args);
} as typeof connect;

const send = dgram.Socket.prototype.send;
dgram.Socket.prototype.send = function guardedSend(this: dgram.Socket, ...args: unknown[]) {
  const address = args.find((arg, index) => index > 0 && typeof arg === 'string') as string | undefined;
  if (address !== undefined && !LOOPBACK.test(address)) refuse(address);
  return (send as (...all: unknown[]) => void).apply(this, args);
} as typeof send;
