import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Arrivals, type LoadReport, loadReport } from './load-report.ts';

const FRAME_BYTES = 323;
const SLOTS = 20;

const [port = 0, calls = 0, seconds = 0] = process.argv.slice(2).map(Number);
const audio = Buffer.alloc(FRAME_BYTES, 8);
audio.set([0x10, 0x01, 0x40]);
const slots: Call[][] = Array.from({ length: SLOTS }, () => []);

type Call = { socket: Socket; bytes: number; readonly arrivals: Arrivals };

let isMeasuring = false;

function open(): Call {
  const call = { bytes: 0, arrivals: new Arrivals(seconds) } as Call;
  call.socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (size) => {
        take(call, size);
        return true;
      },
    },
  });
  call.socket.on('error', (error) => console.error('load peer:', error.message));
  call.socket.write(Buffer.concat([Buffer.from([0x01, 0x00, 0x10]), randomBytes(16)]));
  return call;
}

const shared = Buffer.alloc(65_536);

function take(call: Call, size: number): void {
  call.bytes += size;
  while (call.bytes >= FRAME_BYTES) {
    call.bytes -= FRAME_BYTES;
    if (isMeasuring) call.arrivals.note();
  }
}

/** All calls on one drift-free wheel, as the real thing would be if each phone were punctual. */
function run(): void {
  const startMs = performance.now();
  let tick = 0;
  const wake = () => {
    const due = Math.floor(performance.now() - startMs);
    for (; tick < due; tick++) for (const call of slots[tick % SLOTS] ?? []) call.socket.write(audio);
    setTimeout(wake, 1);
  };
  wake();
}

async function measure(): Promise<LoadReport> {
  const cpu = process.cpuUsage();
  isMeasuring = true;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  isMeasuring = false;
  const arrivals = slots.flat().map((call) => call.arrivals);
  return loadReport(arrivals, { cpu: process.cpuUsage(cpu), seconds });
}

/** A few calls at a time, so that the listener's limit of sockets without an id is not met. */
async function openAll(): Promise<void> {
  for (let opened = 0; opened < calls; opened += 8) {
    for (let index = opened; index < Math.min(calls, opened + 8); index++) slots[index % SLOTS]?.push(open());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

process.on('message', async (message) => {
  if (message === 'measure') process.send?.(await measure());
  if (message === 'stop') process.exit(0);
});
await openAll();
run();
process.send?.('open');
