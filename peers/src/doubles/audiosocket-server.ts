import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const TICK_MS = 20;
const HEADER_BYTES = 3;
const FRAME_BYTES = 320;

/** What a call of the double does a tick (counted from 0): a frame to send, nothing, or the end of the call. */
export type DoubleScript = (tick: number, call: DoubleCall) => Int16Array | Buffer | 'hang up' | 'close' | null;

/** One call as the double sees it. */
export type DoubleCall = {
  id: string;
  keys: string;
  /** Samples of each audio frame that came. */
  readonly audio: Int16Array[];
  hasEnded: boolean;
};

/** A small AudioSocket server for tests of the phone itself: plays what a script says, keeps what it gets. */
export class AudioSocketDouble implements AsyncDisposable {
  readonly calls: DoubleCall[] = [];
  readonly #server: Server;
  readonly #script: DoubleScript;
  readonly #sockets = new Set<Socket>();

  private constructor(script: DoubleScript) {
    this.#script = script;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(script: DoubleScript): Promise<AudioSocketDouble> {
    const double = new AudioSocketDouble(script);
    double.#server.listen(0, '127.0.0.1');
    await once(double.#server, 'listening');
    return double;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const call: DoubleCall = { id: '', keys: '', audio: [], hasEnded: false };
    this.calls.push(call);
    this.#sockets.add(socket);
    let held: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = takeFrames(Buffer.concat([held, chunk]), call);
    });
    let tick = 0;
    const timer = setInterval(() => {
      const step = this.#script(tick++, call);
      if (step === 'hang up') socket.end(Buffer.from([0, 0, 0]));
      else if (step === 'close') socket.end();
      else if (step) socket.write(Buffer.isBuffer(step) ? step : audioFrame(step));
    }, TICK_MS);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      call.hasEnded = true;
      this.#sockets.delete(socket);
    });
  }
}

function takeFrames(bytes: Buffer, call: DoubleCall): Buffer {
  let rest = bytes;
  while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt16BE(1)) {
    const payload = rest.subarray(HEADER_BYTES, HEADER_BYTES + rest.readUInt16BE(1));
    if (rest[0] === 0x01) call.id = payload.toString('hex');
    if (rest[0] === 0x03) call.keys += payload.toString('latin1');
    if (rest[0] === 0x10) call.audio.push(new Int16Array(Uint8Array.from(payload).buffer));
    rest = rest.subarray(HEADER_BYTES + payload.length);
  }
  return rest;
}

function audioFrame(samples: Int16Array): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + FRAME_BYTES);
  frame.writeUInt8(0x10, 0);
  frame.writeUInt16BE(FRAME_BYTES, 1);
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).copy(frame, HEADER_BYTES);
  return frame;
}
