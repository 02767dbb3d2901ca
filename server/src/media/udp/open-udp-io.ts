import { setTimeout as wait } from 'node:timers/promises';
import { openLibc } from '../../native/libc.ts';
import { NativeUdp } from './native-udp.ts';
import { nodeUdp } from './node-udp.ts';
import type { OpenSocketsMemory } from './open-sockets.ts';
import type { UdpIo, UdpPair } from './udp-io.ts';

/** `auto`: the native one where it works. */
export type UdpChoice = 'auto' | 'native' | 'node';
/** `objection`: why the native one is not used though it was asked for. */
export type UdpStart = {
  /** Random, 0 <= n < limit. */
  readonly below: (limit: number) => number;
  /** Where sockets are noted, for whoever survives the thread. */
  readonly openSockets: OpenSocketsMemory;
};
export type OpenedUdp = { readonly io: UdpIo; readonly objection: string | null };

const HOST = '127.0.0.1';
const PROOF_TRIES = 100;
/** The system picks ports for nobody here: pairs have to be next to each other. */
const PROOF_PORTS = { from: 20_000, to: 60_000 };

/** UDP for a media thread. What the native one promises is tried once on loopback: a wrong number in it would be a crash in a call. */
export async function openUdpIo(choice: UdpChoice, { below, openSockets }: UdpStart): Promise<OpenedUdp> {
  if (choice === 'node') return { io: nodeUdp, objection: null };
  let io: NativeUdp | null = null;
  try {
    io = new NativeUdp(openLibc(), openSockets);
    await prove(io, below);
    return { io, objection: null };
  } catch (error) {
    io?.[Symbol.dispose]();
    return { io: nodeUdp, objection: error instanceof Error ? error.message : String(error) };
  }
}

/** One packet each way. @throws Error. */
async function prove(io: UdpIo, below: (limit: number) => number): Promise<void> {
  const heard: string[] = [];
  const [a, b] = [await bindAnywhere(io, below), await bindAnywhere(io, below)];
  const note = (bytes: Uint8Array, address: string, port: number) => {
    heard.push(`${Buffer.from(bytes).toString()} ${address}:${port}`);
  };
  for (const { pair } of [a, b]) pair.listen({ rtp: note, rtcp: note, socketError: () => {}, closed: () => {} });
  a.pair.aim({ rtp: { address: HOST, port: b.port }, rtcp: null, hasRtcpMux: false });
  b.pair.aim({ rtp: { address: HOST, port: a.port }, rtcp: null, hasRtcpMux: false });
  a.pair.lock();
  a.pair.sendRtp(Buffer.from('there'));
  b.pair.sendRtp(Buffer.from('and back'));
  for (let tried = 0; heard.length < 2 && tried < PROOF_TRIES; tried++) {
    io.read();
    await wait(1);
  }
  a.pair.close();
  b.pair.close();
  const expected = [`and back ${HOST}:${b.port}`, `there ${HOST}:${a.port}`];
  if (heard.sort().join() !== expected.join())
    throw new Error(`its proof on loopback failed: ${heard.join() || 'nothing came'}`);
}

async function bindAnywhere(io: UdpIo, below: (limit: number) => number): Promise<{ pair: UdpPair; port: number }> {
  let code = '';
  for (let tried = 0; tried < PROOF_TRIES; tried++) {
    const port = PROOF_PORTS.from + 2 * below((PROOF_PORTS.to - PROOF_PORTS.from) / 2);
    const pair = await io.bindPair(HOST, port);
    if (typeof pair !== 'string') return { pair, port };
    code = pair;
  }
  throw new Error(`its proof found no ports (${code})`);
}
