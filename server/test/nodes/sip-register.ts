import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { DigestClient } from '../../src/protocols/digest/digest-client.ts';

const ANSWER_LIMIT_MS = 5_000;

export type SipAccount = { readonly port: number; readonly user: string; readonly password: string };

/** Registers over UDP with digest, as a phone does; resolves to the status of the answer to the proof. */
export async function registerPhone({ port, user, password }: SipAccount): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const local = `127.0.0.1:${socket.address().port}`;
  const uri = `sip:127.0.0.1:${port}`;
  const callId = randomBytes(8).toString('hex');
  let sequence = 0;
  const ask = async (authorization: readonly string[]): Promise<string> => {
    sequence++;
    const answered = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(bytes.toString())));
    const lines = [
      `REGISTER ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${local};branch=z9hG4bK${randomBytes(8).toString('hex')};rport`,
      `From: <sip:${user}@127.0.0.1>;tag=${callId.slice(0, 6)}`,
      `To: <sip:${user}@127.0.0.1>`,
      `Call-ID: ${callId}`,
      `CSeq: ${sequence} REGISTER`,
      `Contact: <sip:${user}@${local}>`,
      'Max-Forwards: 70',
      'Expires: 120',
      ...authorization.map((value) => `Authorization: ${value}`),
      'Content-Length: 0',
    ];
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
    const late = AbortSignal.timeout(ANSWER_LIMIT_MS);
    return await Promise.race([
      answered,
      new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(new Error('no SIP answer')))),
    ]);
  };
  try {
    const challenge = await ask([]);
    const challenges = Array.from(challenge.matchAll(/^WWW-Authenticate: *(.*)\r$/gim), ([, value = '']) => value);
    const client = new DigestClient({ username: user, password }, (count) => randomBytes(count));
    return statusOf(await ask(client.answer(challenges, { method: 'REGISTER', uri })));
  } finally {
    socket.close();
  }
}

function statusOf(answer: string): number {
  return Number(/^SIP\/2\.0 (\d{3})/.exec(answer)?.[1]);
}
