import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bodyText, headersOf } from './message.ts';
import { type ParseResult, parseMessage } from './parse-message.ts';
import { serializeMessage } from './serialize-message.ts';
import { parseSipUri } from './sip-uri.ts';
import { contactsOf } from './typed-headers.ts';

/** What becomes of each message: parsed, or the status a request is refused with, or dropped without an answer. */
type Verdict = 'parsed' | number | 'dropped';

/** RFC 4475 by section. Where it lets an element choose, the stricter choice is made but for Date, which nobody here reads. */
const RFC_4475: Record<string, Verdict> = {
  // 3.1.1 valid messages
  wsinv: 'parsed',
  intmeth: 'parsed',
  esc01: 'parsed',
  escnull: 'parsed',
  esc02: 'parsed',
  lwsdisp: 'parsed',
  longreq: 'parsed',
  dblreq: 'parsed',
  semiuri: 'parsed',
  transports: 'parsed',
  mpart01: 'parsed',
  unreason: 'parsed',
  noreason: 'parsed',
  // 3.1.2 invalid messages
  badinv01: 400,
  clerr: 400,
  ncl: 400,
  scalar02: 400,
  scalarlg: 'dropped',
  quotbal: 400,
  ltgtruri: 400,
  lwsruri: 400,
  lwsstart: 400,
  trws: 400,
  escruri: 400,
  baddate: 'parsed',
  regbadct: 400,
  badaspec: 400,
  baddn: 400,
  badvers: 505,
  mismatch01: 400,
  mismatch02: 400,
  bigcode: 'dropped',
  // 3.2 transaction layer: an empty branch falls back to the matching of RFC 2543
  badbranch: 'parsed',
  // 3.3 application layer: what parses is judged by the user agent
  insuf: 'dropped',
  unkscm: 'parsed',
  novelsc: 'parsed',
  unksm2: 'parsed',
  bext01: 'parsed',
  invut: 'parsed',
  regaut01: 'parsed',
  multi01: 400,
  mcl01: 400,
  bcast: 'parsed',
  zeromf: 'parsed',
  cparam01: 'parsed',
  cparam02: 'parsed',
  regescrt: 'parsed',
  sdp01: 'parsed',
  // 3.4 backward compatibility
  inv2543: 'parsed',
};

const RFC_5118: Record<string, Verdict> = {
  'ipv6-good': 'parsed',
  'ipv6-bad': 400,
  'port-ambiguous': 'parsed',
  'port-unambiguous': 'parsed',
  'via-received-param-with-delim': 'parsed',
  'via-received-param-no-delim': 'parsed',
  'ipv6-in-sdp': 'parsed',
  'mult-ip-in-header': 'parsed',
  'mult-ip-in-sdp': 'parsed',
  'ipv4-mapped-ipv6': 'parsed',
  'ipv6-bug-abnf-3-colons': 'parsed',
};

for (const [folder, verdicts] of Object.entries({ rfc4475: RFC_4475, rfc5118: RFC_5118 })) {
  describe(folder, () => {
    test('every fixture has a verdict', () => {
      const names = readdirSync(new URL(`fixtures/${folder}/`, import.meta.url)).map((name) =>
        name.replace('.raw', ''),
      );

      expect(names.sort()).toEqual(Object.keys(verdicts).sort());
    });

    for (const [name, verdict] of Object.entries(verdicts)) {
      test(`${name} is ${typeof verdict === 'number' ? `refused with ${verdict}` : verdict}`, () => {
        expect(verdictOf(read(folder, name))).toBe(verdict);
      });

      if (verdict !== 'parsed') continue;
      test(`${name} survives being printed and parsed again`, () => {
        const first = parsed(folder, name);

        const again = parseMessage(serializeMessage(first));

        expect(again).toEqual({ ok: true, message: first });
      });
    }
  });
}

describe('what the tortured messages hold', () => {
  test('wsinv: folds, blanks and compact forms are undone', () => {
    const message = parsed('rfc4475', 'wsinv');

    expect(message.vias.map(({ transport, host }) => `${transport} ${host}`)).toEqual([
      'UDP 192.0.2.2',
      'TCP spindle.example.com',
      'UDP 192.168.255.111',
    ]);
    expect(message.vias[2]?.params.get('branch')).toBe('z9hG4bK30239');
    expect(message.from.displayName).toBe('J Rosenberg \\"');
    expect(message.to.params.get('tag')).toBe('1918181833n');
    expect(message.cseq).toEqual({ number: 9, method: 'INVITE' });
    expect(message).toMatchObject({ maxForwards: 68 });
    expect(headersOf(message, 'NewFangledHeader')).toEqual(['newfangled value continued newfangled value']);
    const [contact] = contactsOf(message);
    expect(contact).toMatchObject({ displayName: 'Quoted string ""', uri: 'sip:jdrosen@example.com' });
  });

  test('intmeth: escaped control characters and UTF-8 come through', () => {
    const message = parsed('rfc4475', 'intmeth');

    expect(message.to.displayName).toBe('BEL:\u0007 NUL:\u0000 DEL:\u007f');
    expect(message.from.params.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(message).toMatchObject({ method: "!interesting-Method0123456789_*+`.%indeed'~", maxForwards: 255 });
  });

  test('esc01: an escaped colon and at sign belong to the user', () => {
    const message = parsed('rfc4475', 'esc01');

    expect(parseSipUri('uri' in message ? message.uri : '')).toMatchObject({
      scheme: 'sip',
      user: 'sips:user@example.com',
      host: 'example.net',
    });
  });

  test('dblreq: what follows the announced body is not read', () => {
    expect(bodyText(parsed('rfc4475', 'dblreq'))).toBe('');
  });

  test('mpart01: a binary body is kept byte for byte', () => {
    const { body } = parsed('rfc4475', 'mpart01');

    expect([...body.subarray(body.indexOf(0x82) - 1, body.indexOf(0x82) + 3)]).toEqual([0x30, 0x82, 0x01, 0x52]);
  });

  test('port-ambiguous: what could be a port inside the brackets is part of the address', () => {
    const message = parsed('rfc5118', 'port-ambiguous');

    expect(parseSipUri('uri' in message ? message.uri : '')).toEqual({
      scheme: 'sip',
      host: '2001:db8::10:5070',
      params: new Map(),
    });
  });
});

function read(folder: string, name: string): ParseResult {
  return parseMessage(readFileSync(new URL(`fixtures/${folder}/${name}.raw`, import.meta.url)));
}

function parsed(folder: string, name: string) {
  const result = read(folder, name);
  if (!result.ok) throw new Error(`${name}: ${result.reason}`);
  return result.message;
}

function verdictOf(result: ParseResult): Verdict {
  if (result.ok) return 'parsed';
  return result.echo ? result.status : 'dropped';
}
