import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ReplyId } from '@assistant/server/core/ids';
import type { MediaTransport } from '@assistant/server/core/ports/media-transport';
import { type MediaWorker, startMediaWorker } from '@assistant/server/media/media-worker';
import { clock, log, metrics } from './quiet-ports.ts';

const TALK_MS = 600;
/** Our own hang-up allows a peer 1 s to close its side. */
const QUIET_MS = 1500;
const AUDIO = Buffer.concat([Buffer.from([0x10, 0x01, 0x40]), Buffer.alloc(320, 8)]);
const TONE = new Int16Array(16_000).fill(2000);

/** What is left of the media worker after a round of calls. */
type Leftovers = {
  readonly fds: number;
  readonly activeCalls: number;
  readonly unnamedSockets: number;
  readonly framesInUse: number;
  readonly rssMb: number;
};

/**
 * Rounds of calls that end in every way there is (the peer's FIN, its RST, its hangup frame, our hang-up, a peer that never names
 * itself); after each round what is left is counted. Options: --calls 100 --rounds 10.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: { calls: { type: 'string', default: '100' }, rounds: { type: 'string', default: '10' } },
  });
  const calls = Number(values.calls);
  const ended = { closed: 0, arrived: 0 };
  await using worker = startMediaWorker({ log, metrics, clock });
  await using listener = await worker.listenAudioSocket({
    host: '127.0.0.1',
    port: 0,
    onArrival: ({ media }) => {
      ended.arrived++;
      converse(media, () => ended.closed++);
    },
  });
  const rounds: Leftovers[] = [leftovers(worker)];
  for (let round = 0; round < Number(values.rounds); round++) {
    await callRound(listener.port, calls);
    rounds.push(leftovers(worker));
  }
  const [first] = rounds;
  const last = rounds.at(-1);
  const isClean =
    first?.fds === last?.fds && last?.activeCalls === 0 && last.unnamedSockets === 0 && last.framesInUse === 0;
  return { calls, rounds, ...ended, isClean: isClean && ended.arrived === ended.closed };
}

/** Every other call is ended by us, the rest by its peer. */
function converse(media: MediaTransport, onClosed: () => void): void {
  const nothing = () => {};
  media.listen({
    audio: nothing,
    digit: nothing,
    played: nothing,
    cleared: nothing,
    writable: nothing,
    held: nothing,
    closed: onClosed,
  });
  media.play({ samples: TONE, sampleRate: media.sampleRate }, 1 as ReplyId);
  isOurTurn = !isOurTurn;
  if (isOurTurn) setTimeout(() => media.close(), TALK_MS / 2);
}

let isOurTurn = false;

async function callRound(port: number, calls: number): Promise<void> {
  const sockets: Socket[] = [];
  for (let call = 0; call < calls; call++) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.resume();
    if (call % 10 !== 9) socket.write(Buffer.concat([Buffer.from([0x01, 0x00, 0x10]), randomBytes(16), AUDIO]));
    sockets.push(socket);
    if (call % 8 === 7) await wait(10);
  }
  const talk = setInterval(() => {
    for (const socket of sockets) if (socket.writable && socket.bytesWritten > 0) socket.write(AUDIO);
  }, 20);
  await wait(TALK_MS);
  clearInterval(talk);
  for (const [index, socket] of sockets.entries()) {
    if (index % 3 === 0) socket.resetAndDestroy();
    else if (index % 3 === 1) socket.end(Buffer.from([0, 0, 0]));
    else socket.end();
  }
  await wait(QUIET_MS);
}

function leftovers(worker: MediaWorker): Leftovers {
  const { activeCalls, unnamedSockets, framesInUse } = worker.counters();
  return {
    fds: readdirSync('/proc/self/fd').length,
    activeCalls,
    unnamedSockets,
    framesInUse,
    rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}
