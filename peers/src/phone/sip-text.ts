import { createHash } from 'node:crypto';

/** A SIP message as a phone needs it (RFC 3261, section 7): the first line, headers by lower-case name, the body. */
export type SipMessage = {
  readonly firstLine: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
};

/** Reads a datagram; long header names only, as servers send them. */
export function readSip(datagram: string): SipMessage {
  const end = datagram.indexOf('\r\n\r\n');
  const [firstLine = '', ...lines] = (end < 0 ? datagram : datagram.slice(0, end)).split('\r\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).trim().toLowerCase();
    const values = headers.get(name) ?? [];
    values.push(line.slice(line.indexOf(':') + 1).trim());
    headers.set(name, values);
  }
  return { firstLine, headers, body: end < 0 ? '' : datagram.slice(end + 4) };
}

/** One header's value, '' when it is absent. */
export function header(message: SipMessage, name: string): string {
  return message.headers.get(name)?.[0] ?? '';
}

/** A message as text; the length of the body is added. */
export function printSip(firstLine: string, headers: readonly (readonly [string, string])[], body = ''): string {
  const lines = [...headers, ['Content-Length', String(Buffer.byteLength(body))] as const];
  return `${firstLine}\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`;
}

/** The offer of a phone: PCMU and keys, 20 ms. */
export function printOffer(host: string, port: number): string {
  return `${[
    'v=0',
    `o=phone 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=sendrecv',
  ].join('\r\n')}\r\n`;
}

/** Where an answer wants its audio; undefined when it has none. */
export function readAnswer(sdp: string): { host: string; port: number } | undefined {
  const host = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
  const port = Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0);
  return host && port > 0 ? { host, port } : undefined;
}

export type SipLogin = { readonly username: string; readonly password: string };

/** Answers a digest challenge with MD5 and qop auth (RFC 7616, section 3.4). */
export function answerChallenge(challenge: string, login: SipLogin, method: string, uri: string): string {
  const parameter = (name: string) => new RegExp(`${name}="?([^",]+)"?`, 'i').exec(challenge)?.[1] ?? '';
  const realm = parameter('realm');
  const nonce = parameter('nonce');
  const cnonce = crypto.randomUUID().slice(0, 8);
  const secret = md5(`${login.username}:${realm}:${login.password}`);
  const response = md5(`${secret}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
  const opaque = parameter('opaque');
  return (
    `Digest username="${login.username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}"${opaque ? `, opaque="${opaque}"` : ''}`
  );
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
