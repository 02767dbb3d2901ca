import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const WAIT_MS = 1_500;

/** Asks a SIP server for its methods over UDP (RFC 3261, 11). The name it gives itself, or its status; null when nobody answers. */
export async function askOptions(host: string, port: number, signal: AbortSignal): Promise<string | null> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    // Connected, so that a closed port is told at once.
    socket.connect(port, host);
    await once(socket, 'connect', { signal });
    const { address, port: ownPort } = socket.address();
    const name = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);
    const id = crypto.randomUUID();
    socket.send(
      [
        `OPTIONS sip:${name(host)}:${port} SIP/2.0`,
        `Via: SIP/2.0/UDP ${name(address)}:${ownPort};rport;branch=z9hG4bK${id}`,
        'Max-Forwards: 70',
        `From: <sip:doctor@${name(address)}>;tag=${id.slice(0, 8)}`,
        `To: <sip:${name(host)}:${port}>`,
        `Call-ID: ${id}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
    const answer = await nextDatagram(socket, signal);
    const status = /^SIP\/2\.0 (\d{3} [^\r\n]*)/.exec(answer ?? '')?.[1];
    return status === undefined ? null : (/^Server: *([^\r\n]+)/im.exec(answer ?? '')?.[1] ?? `a server (${status})`);
  } catch {
    return null;
  } finally {
    socket.close();
  }
}

/** Whether a packet to an address of ours comes in on a port of this machine. False as well when the port is taken. */
export async function comesBack(
  way: { readonly host: string; readonly to: string; readonly port: number },
  signal: AbortSignal,
): Promise<boolean> {
  const type = way.to.includes(':') ? 'udp6' : 'udp4';
  const receiver = createSocket(type);
  const sender = createSocket(type);
  const token = crypto.randomUUID();
  try {
    receiver.bind({ port: way.port, address: way.host, exclusive: true });
    await once(receiver, 'listening', { signal });
    sender.send(token, way.port, way.to);
    return (await nextDatagram(receiver, signal)) === token;
  } catch {
    return false;
  } finally {
    receiver.close();
    sender.close();
  }
}

async function nextDatagram(socket: Socket, signal: AbortSignal): Promise<string | null> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  const [bytes] = (await once(socket, 'message', { signal: either }).catch(() => [null])) as [Buffer | null];
  return bytes === null ? null : bytes.toString('utf8');
}
