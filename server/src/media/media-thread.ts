import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { AudioSocketDoor } from './audiosocket-door.ts';
import { MediaPlane } from './media-plane.ts';
import type { MediaThreadStart } from './media-thread-start.ts';
import type { ListenerNumber, MediaCommand } from './messages.ts';
import { PolledTurns } from './polled-turns.ts';
import { RtpDoor } from './rtp/rtp-door.ts';
import { SocketSink } from './socket-sink.ts';
import { TurnKeeper } from './turn-keeper.ts';
import { openUdpIo } from './udp/open-udp-io.ts';

/** Linux: of this thread alone, and for root or with CAP_SYS_NICE only. */
const NICENESS = -10;
/** The most that caller audio waits before main hears of it. */
const NEWS_WITHIN_MS = 1;

const port = parentPort;
if (port === null) throw new Error('The media thread runs in a worker only');
const start = workerData as MediaThreadStart;
const servers = new Map<ListenerNumber, Server>();
const plane = new MediaPlane(start.memory, {
  nowMs: performance.now(),
  post: (tick) => port.postMessage(tick),
});
const { io: udp, objection } = await openUdpIo(start.udp, { below: randomInt, openSockets: start.openSockets });
const turns = new TurnKeeper(new PolledTurns(plane, udp));
const door = new AudioSocketDoor(plane);
const rtp = new RtpDoor(plane, {
  udp,
  random: { uuid: randomUUID, bytes: randomBytes, below: randomInt },
  nowMs: () => performance.now(),
  epochAtZeroMs: performance.timeOrigin,
  wake: () => turns.within(NEWS_WITHIN_MS),
  idle: leaveWhenIdle,
});
let sockets = 0;
let isStopping = false;

raisePriority();
tell({ type: 'udp_opened', kind: udp.kind, objection });
port.on('message', (commands: readonly MediaCommand[]) => {
  for (const command of commands) obey(command);
  turns.within(0);
});

/** Keeps busy neighbours from making us late: a frame that is late cannot be caught up with. */
function raisePriority(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(NICENESS);
  } catch {
    // Without the right to it, the usual priority has to do.
  }
}

function obey(command: MediaCommand): void {
  switch (command.type) {
    case 'listen':
      listen(command);
      break;
    case 'drain':
      servers.get(command.listener)?.close();
      door.closeUnnamed(command.listener, performance.now());
      break;
    case 'unlisten':
      unlisten(command.listener);
      break;
    case 'close':
      plane.close(command.call, performance.now());
      break;
    case 'release':
      plane.recycle(command.call);
      break;
    case 'rtp_open':
    case 'rtp_start':
    case 'rtp_update':
    case 'rtp_digits':
    case 'rtp_end':
      rtp.obey(command);
      break;
    case 'stop':
      isStopping = true;
      rtp.stop();
      for (const server of servers.values()) server.close();
      plane.closeLegs('all', performance.now());
      leaveWhenIdle();
  }
}

function listen(command: Extract<MediaCommand, { type: 'listen' }>): void {
  const { listener } = command;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => connect(listener, socket));
  servers.set(listener, server);
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (server.listening) return;
    servers.delete(listener);
    tell({ type: 'listen_failed', listener, code: error.code ?? error.message });
  });
  server.listen({ host: command.host, port: command.port }, () => {
    const bound = server.address();
    if (bound === null || typeof bound === 'string') return;
    tell({ type: 'listening', listener, host: bound.address, port: bound.port });
  });
}

/** `close` reports once the last connection is gone too. */
function unlisten(listener: ListenerNumber): void {
  const server = servers.get(listener);
  servers.delete(listener);
  plane.closeLegs(listener, performance.now());
  if (server === undefined) tell({ type: 'unlistened', listener });
  else server.close(() => tell({ type: 'unlistened', listener }));
}

/**
 * A hang-up that meets a frame of ours the peer has not read yet: its close is an RST then, not a FIN (RFC 2525, 2.17). Seen with
 * Asterisk 22.10 on a busy machine, one hang-up of some hundred.
 */
const HUNG_UP_WITHOUT_READING: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

function connect(listener: ListenerNumber, socket: Socket): void {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const leg = door.accept(listener, new SocketSink(socket), { address, nowMs: performance.now() });
  socket.on('error', ({ code = 'unknown', message }: NodeJS.ErrnoException) => {
    if (HUNG_UP_WITHOUT_READING.has(code)) leg?.peerEnded(performance.now());
    else leg?.failed(code === 'unknown' ? message : code, performance.now());
  });
  if (leg === null) {
    socket.destroy();
    return;
  }
  sockets++;
  socket.on('data', (chunk: Buffer) => {
    leg.receive(chunk, performance.now());
    if (plane.hasNews) turns.within(NEWS_WITHIN_MS);
  });
  socket.on('end', () => {
    leg.peerEnded(performance.now());
    turns.within(NEWS_WITHIN_MS);
  });
  socket.on('close', () => {
    sockets--;
    leg.failed('the connection closed', performance.now());
    door.release(leg);
    turns.within(NEWS_WITHIN_MS);
    leaveWhenIdle();
  });
  turns.within(NEWS_WITHIN_MS);
}

function tell(news: Parameters<MediaPlane['tell']>[0]): void {
  plane.tell(news);
  turns.within(0);
}

function leaveWhenIdle(): void {
  if (!isStopping || sockets > 0 || !rtp.isIdle) return;
  turns.stop();
  plane.advanceTo(performance.now());
  udp[Symbol.dispose]();
  port?.close();
}
