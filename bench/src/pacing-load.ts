import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { percentiles } from './percentiles.ts';

/** What the callers' side saw. */
export type LoadReport = {
  readonly frames: number;
  /** Lateness of each frame against a 20 ms grid through its call's earliest frame. */
  readonly lateMs: ReturnType<typeof percentiles>;
  /** |time since the frame before - 20 ms|. */
  readonly gapMs: ReturnType<typeof percentiles>;
  readonly cpuPercent: number;
};

const FRAME_MS = 20;
const FRAME_BYTES = 323;
const SLOTS = 20;

const [port = 0, calls = 0, seconds = 0] = process.argv.slice(2).map(Number);
const framesPerCall = Math.ceil((seconds * 1000) / FRAME_MS) + 50;
const audio = Buffer.alloc(FRAME_BYTES, 8);
audio.set([0x10, 0x01, 0x40]);
const slots: Call[][] = Array.from({ length: SLOTS }, () => []);

type Call = { socket: Socket; bytes: number; frames: number; arrivals: Float64Array };

let isMeasuring = false;

function open(): Call {
  const call = { bytes: 0, frames: 0, arrivals: new Float64Array(framesPerCall) } as Call;
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
    if (isMeasuring && call.frames < framesPerCall) call.arrivals[call.frames++] = performance.now();
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
  const used = process.cpuUsage(cpu);
  const all = slots.flat();
  const late: number[] = [];
  const gaps: number[] = [];
  for (const call of all) {
    const offsets = Array.from(call.arrivals.subarray(0, call.frames), (at, index) => at - index * FRAME_MS);
    const earliest = offsets.reduce((least, offset) => Math.min(least, offset), Number.POSITIVE_INFINITY);
    for (const [index, offset] of offsets.entries()) {
      late.push(offset - earliest);
      if (index > 0) gaps.push(Math.abs(offset - (offsets[index - 1] ?? 0)));
    }
  }
  return {
    frames: late.length,
    lateMs: percentiles(Float64Array.from(late)),
    gapMs: percentiles(Float64Array.from(gaps)),
    cpuPercent: Math.round((used.user + used.system) / seconds / 10_000),
  };
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
