import { randomBytes, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** What the carriers' side saw. */
export type SocketLoadReport = {
  readonly calls: number;
  readonly audioMessages: number;
  /** Milliseconds of audio that were played, over all calls. */
  readonly playedMs: number;
  /** How often a call's buffer ran dry while the assistant spoke. */
  readonly underruns: number;
  readonly cpuPercent: number;
};

const SLOTS = 20;
const [port, channel, calls, seconds] = [
  Number(process.argv[2]),
  process.argv[3] === 'vonage' ? 'vonage' : 'twilio',
  Number(process.argv[4]),
  Number(process.argv[5]),
] as const;

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const STREAM = 'MZ0123456789abcdef0123456789abcdef';
const speech = Buffer.alloc(160, 0x7f).toString('base64');
const twilioAudio = `{"event":"media","sequenceNumber":"7","media":{"track":"inbound","chunk":"5","timestamp":"100","payload":"${speech}"},"streamSid":"${STREAM}"}`;
const audio = channel === 'twilio' ? frame(0x1, Buffer.from(twilioAudio)) : frame(0x2, Buffer.alloc(640, 3));

/** A client's frame (RFC 6455, 5.2), masked in advance: undoing it costs the server what it always does, and nothing here. */
function frame(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, MASK, payload.map((byte, index) => byte ^ (MASK[index % 4] as number))]);
}

/** One call: a buffer that plays in real time, and marks that come back when they are reached. */
class Call {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #isUp = false;
  #playedTo = 0;
  readonly #marks: { readonly name: string; readonly dueMs: number }[] = [];
  audioMessages = 0;
  playedMs = 0;
  underruns = 0;

  constructor() {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (data) => this.#take(data));
    this.#socket.on('error', (error) => console.error('load peer:', error.message));
    this.#socket.write(
      `GET /v1/talk/${channel}/ctx/${randomUUID()} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
  }

  /** 20 ms of speech, and what is due to be said about the playout. */
  tick(now: number): void {
    if (!this.#isUp) return;
    this.#socket.write(audio);
    for (let next = this.#marks[0]; next && next.dueMs <= now; next = this.#marks[0]) {
      this.#marks.shift();
      this.#echo(next.name);
    }
  }

  reset(): void {
    this.audioMessages = 0;
    this.playedMs = 0;
    this.underruns = 0;
  }

  hangUp(): void {
    this.#isUp = false;
    if (channel === 'twilio') this.#socket.write(frame(0x1, Buffer.from(`{"event":"stop","streamSid":"${STREAM}"}`)));
    this.#socket.end(frame(0x8, Buffer.from([0x03, 0xe8])));
  }

  #take(data: Buffer): void {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    if (!this.#isUp && !this.#shakeHands()) return;
    for (;;) {
      const short = (this.#pending[1] ?? 0) & 0x7f;
      const headBytes = short === 126 ? 4 : 2;
      if (this.#pending.length < headBytes) return;
      const length = short === 126 ? this.#pending.readUInt16BE(2) : short;
      if (this.#pending.length < headBytes + length) return;
      this.#read((this.#pending[0] ?? 0) & 0xf, this.#pending.subarray(headBytes, headBytes + length));
      this.#pending = this.#pending.subarray(headBytes + length);
    }
  }

  #shakeHands(): boolean {
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end < 0) return false;
    if (!this.#pending.toString('latin1', 0, 12).endsWith('101')) throw new Error(this.#pending.toString('latin1'));
    this.#pending = this.#pending.subarray(end + 4);
    this.#isUp = true;
    const start =
      channel === 'twilio'
        ? `{"event":"start","sequenceNumber":"1","start":{"streamSid":"${STREAM}","accountSid":"AC1","callSid":"CA1","tracks":["inbound"],"customParameters":{},"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"streamSid":"${STREAM}"}`
        : '{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}';
    this.#socket.write(frame(0x1, Buffer.from(start)));
    return true;
  }

  #read(opcode: number, payload: Buffer): void {
    if (opcode === 0x2) this.#play(payload.length / 32);
    else if (opcode === 0x1) this.#readText(payload.toString('latin1'));
  }

  #readText(text: string): void {
    const payload = /"payload":"([^"]*)"/.exec(text)?.[1];
    if (payload !== undefined) this.#play(((payload.length * 3) / 4 - (payload.match(/=*$/)?.[0].length ?? 0)) / 8);
    const mark = /"(?:name|mark)":"([^"]+)"/.exec(text)?.[1];
    if (mark !== undefined) this.#marks.push({ name: mark, dueMs: this.#playedTo });
  }

  #play(ms: number): void {
    const now = performance.now();
    this.audioMessages++;
    this.playedMs += ms;
    if (this.#playedTo > 0 && this.#playedTo < now) this.underruns++;
    this.#playedTo = Math.max(now, this.#playedTo) + ms;
  }

  #echo(name: string): void {
    const text =
      channel === 'twilio'
        ? `{"event":"mark","sequenceNumber":"9","streamSid":"${STREAM}","mark":{"name":"${name}"}}`
        : `{"event":"websocket:notify","payload":{"mark":"${name}"}}`;
    this.#socket.write(frame(0x1, Buffer.from(text)));
  }
}

const slots: Call[][] = Array.from({ length: SLOTS }, () => []);

/** All calls on one drift-free wheel. */
function run(): void {
  const startMs = performance.now();
  let tick = 0;
  const wake = () => {
    const now = performance.now();
    for (; tick < Math.floor(now - startMs); tick++) for (const call of slots[tick % SLOTS] ?? []) call.tick(now);
    setTimeout(wake, 1);
  };
  wake();
}

async function measure(): Promise<SocketLoadReport> {
  for (const call of slots.flat()) call.reset();
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { user, system } = process.cpuUsage(cpu);
  const sum = (count: (call: Call) => number) => slots.flat().reduce((total, call) => total + count(call), 0);
  return {
    calls,
    audioMessages: sum((call) => call.audioMessages),
    playedMs: Math.round(sum((call) => call.playedMs)),
    underruns: sum((call) => call.underruns),
    cpuPercent: Math.round((user + system) / seconds / 10_000),
  };
}

process.on('message', async (message) => {
  if (message === 'measure') process.send?.(await measure());
  if (message === 'hang up') for (const call of slots.flat()) call.hangUp();
  if (message === 'stop') process.exit(0);
});
run();
for (let opened = 0; opened < calls; opened++) {
  slots[opened % SLOTS]?.push(new Call());
  if (opened % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 10));
}
process.send?.('open');
