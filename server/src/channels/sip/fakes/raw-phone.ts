import dgram from 'node:dgram';
import { once } from 'node:events';
import { parseMessage } from '../../../protocols/sip/message/parse-message.ts';

/** A socket that sends texts and keeps the status and Call-ID of what it hears. */
export async function openRawPhone(toPort: number) {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard: string[] = [];
  let toTag = '';
  socket.on('message', (bytes) => {
    const result = parseMessage(bytes);
    if (!result.ok || result.message.type !== 'response' || result.message.status < 200) return;
    const { message } = result;
    toTag = message.to.params.get('tag') ?? '';
    const line = `${message.status} ${message.callId}`;
    if (!heard.includes(line)) heard.push(line);
  });
  const send = (text: string) => socket.send(text, toPort, '127.0.0.1');
  const ack = (sdp: string) =>
    rawRequest('ACK', 'late', 'Content-Type: application/sdp')
      .replace('branch=z9hG4bKlate', 'branch=z9hG4bKack')
      .replace(/To: <(.*)>/, `To: <$1>;tag=${toTag}`)
      .replace('Content-Length: 0\r\n\r\n', `Content-Length: ${sdp.length}\r\n\r\n${sdp}`);
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return { send, heard, ack, port: socket.address().port, [Symbol.asyncDispose]: close };
}

/** A request without SDP; its Call-ID and branch are the name given. */
export function rawRequest(method: string, callId: string, ...headers: string[]): string {
  return [
    `${method} sip:127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${callId}`,
    'Max-Forwards: 70',
    'From: <sip:raw@127.0.0.1>;tag=raw',
    'To: <sip:server@127.0.0.1>',
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
