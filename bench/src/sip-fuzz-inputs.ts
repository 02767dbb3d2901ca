import { readdirSync, readFileSync } from 'node:fs';

/** Draws a whole number, 0 <= n < limit. */
export type Draw = (limit: number) => number;

/** The same numbers again for the same seed. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const FIXTURES = new URL('../../server/src/protocols/sip/message/fixtures/', import.meta.url);

/** The torture messages of RFC 4475 and RFC 5118, as bytes. */
export const TORTURE: readonly Buffer[] = ['rfc4475', 'rfc5118'].flatMap((folder) => {
  const base = new URL(`${folder}/`, FIXTURES);
  return readdirSync(base).map((name) => readFileSync(new URL(name, base)));
});

const SPICE = [
  ...['\r\n', '\r\n ', '\r\n\r\n', ' ', '\t', '"', '<', '>', ';', ',', ':', '@', '=', '%', '%00', '\\', '[', ']', '\0'],
  ...['\xff', '\xc0\x80', 'sip:', 'Via: ', 'Content-Length: 0', ';tag=', ';branch=z9hG4bK', 'SIP/2.0', '9'.repeat(30)],
].map((text) => Buffer.from(text, 'latin1'));
/** What makes a careless pattern go back and forth: the same again and again. */
const REPEATED = ['"', '\\', '<', ';', ',', ' ', '\t', '=', '%', '[', ':', 'a', '\r\n '].map((text) =>
  Buffer.from(text, 'latin1'),
);
const MOST_REPEATS = 3000;

/** One to six random cuts, repeats, flips and insertions, mostly one; one in fifty gets the same character some thousand times. */
export function mutate(source: Buffer, draw: Draw): Buffer {
  let bytes = Buffer.from(source);
  for (let step = draw(2) * draw(6); step >= 0; step--) {
    const at = draw(bytes.length + 1);
    const to = Math.min(bytes.length, at + draw(40));
    const kind = draw(4);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), pick(SPICE, draw), bytes.subarray(at)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    else if (at < bytes.length) bytes[at] = draw(256);
  }
  if (draw(50) > 0) return bytes;
  const at = draw(bytes.length + 1);
  const many = Buffer.alloc(draw(MOST_REPEATS), pick(REPEATED, draw));
  return Buffer.concat([bytes.subarray(0, at), many, bytes.subarray(at)]);
}

const METHODS = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'UPDATE', 'INFO', 'PRACK', 'OPTIONS', 'REFER', 'NOTIFY', 'REGISTER'];
const EXTRAS = [
  'Content-Type: application/sdp\r\n',
  'Supported: timer, 100rel\r\nSession-Expires: 90;refresher=uac\r\n',
  'Require: 100rel\r\n',
  'Refer-To: <sip:a@b>\r\nContact: <sip:x@198.51.100.9>\r\n',
  'Event: refer\r\nContent-Type: message/sipfrag\r\n',
  'RAck: 1 1 INVITE\r\n',
  'Replaces: call-1;to-tag=a;from-tag=peer\r\n',
];
const STATUSES = ['100 Trying', '180 Ringing', '200 OK', '302 Moved', '401 Unauthorized', '481 Gone', '503 Busy'];

/** A message of one of a few calls, with branches and tags that may or may not fit; whole, mostly. */
export function messageOfSomeCall(draw: Draw, tag: string): Buffer {
  const method = pick(METHODS, draw);
  const start = draw(8) === 0 ? `SIP/2.0 ${pick(STATUSES, draw)}` : `${method} sip:100@192.0.2.1 SIP/2.0`;
  const text =
    `${start}\r\nVia: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK${draw(6)};rport\r\n` +
    `From: <sip:caller@192.0.2.9>;tag=peer\r\nTo: <sip:100@192.0.2.1>${draw(2) === 0 && tag !== '' ? `;tag=${tag}` : ''}\r\n` +
    `Call-ID: call-${draw(3)}\r\nCSeq: ${1 + draw(5)} ${method}\r\nContact: <sip:caller@192.0.2.9:5062>\r\n` +
    `${draw(2) === 0 ? pick(EXTRAS, draw) : ''}\r\noffer`;
  const bytes = Buffer.from(text, 'latin1');
  return draw(5) === 0 ? mutate(bytes, draw) : bytes;
}

function pick<Item>(items: readonly Item[], draw: Draw): Item {
  return items[draw(items.length)] as Item;
}
