import net from 'node:net';

export type RawAnswer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type RawOptions = {
  /** Sent after `first`, when the server has answered nothing yet. */
  readonly rest?: () => Promise<string>;
  /** An answer to HEAD has a content-length and no body. */
  readonly isHead?: boolean;
};

/**
 * Sends bytes as they are over a fresh connection and reads one answer: all of its content-length, or up to the close.
 * Rejects when the server closes without an answer.
 */
export function sendRaw(
  port: number,
  first: string | Uint8Array,
  { rest, isHead = false }: RawOptions = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(first);
      rest?.().then((text) => socket.writable && socket.write(text), reject);
    });
    const finish = (answer: RawAnswer | null) => {
      if (answer === null) reject(new Error(`no whole answer: ${JSON.stringify(received)}`));
      else resolve(answer);
      socket.destroy();
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      const answer = readAnswer(received, isHead, false);
      if (answer) finish(answer);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => finish(readAnswer(received, isHead, true)));
  });
}

function readAnswer(text: string, isHead: boolean, isClosed: boolean): RawAnswer | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const rest = text.slice(end + 4);
  const length = headers['content-length'];
  const isWhole = isHead || isClosed || (length !== undefined && rest.length >= Number(length));
  if (!isWhole) return null;
  return { status: Number(statusLine.split(' ')[1]), headers, body: rest };
}
