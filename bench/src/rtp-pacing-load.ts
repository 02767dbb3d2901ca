import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { Arrivals, loadReport } from './load-report.ts';

const SLOTS = 20;
const PACKET_BYTES = 172;
const TICKS = 160;

type Phone = { readonly socket: Socket; readonly arrivals: Arrivals; readonly packet: Buffer };

const [where = '', , seconds = 0] = process.argv.slice(2).map((value, index) => (index === 0 ? value : Number(value)));
const slots: Phone[][] = Array.from({ length: SLOTS }, () => []);
let isMeasuring = false;

async function open(port: number, index: number): Promise<void> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, isIP(host)) });
  socket.on('error', () => {});
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  socket.connect(port, '127.0.0.1');
  const packet = Buffer.alloc(PACKET_BYTES, 0xd0);
  packet.set([0x80, 0]);
  packet.writeUInt32BE(index + 1, 8);
  const phone: Phone = { socket, packet, arrivals: new Arrivals(Number(seconds)) };
  socket.on('message', () => {
    if (isMeasuring) phone.arrivals.note();
  });
  slots[index % SLOTS]?.push(phone);
}

/** All phones on one drift-free wheel. */
function run(): void {
  const startMs = performance.now();
  let tick = 0;
  const wake = () => {
    const due = Math.floor(performance.now() - startMs);
    for (; tick < due; tick++) for (const phone of slots[tick % SLOTS] ?? []) send(phone, Math.floor(tick / SLOTS));
    setTimeout(wake, 1);
  };
  wake();
}

function send({ socket, packet }: Phone, frame: number): void {
  packet.writeUInt16BE(frame & 0xffff, 2);
  packet.writeUInt32BE((frame * TICKS) % 2 ** 32, 4);
  socket.send(packet);
}

async function measure(): Promise<void> {
  const cpu = process.cpuUsage();
  isMeasuring = true;
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  isMeasuring = false;
  const arrivals = slots.flat().map((phone) => phone.arrivals);
  process.send?.(loadReport(arrivals, { cpu: process.cpuUsage(cpu), seconds: Number(seconds) }));
}

process.on('message', async (message) => {
  if (message === 'measure') await measure();
  if (message === 'stop') process.exit(0);
});
for (const [index, port] of String(where).split(',').entries()) await open(Number(port), index);
run();
process.send?.('open');
