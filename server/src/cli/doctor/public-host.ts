import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { type Check, type Finding, fail, ok, warn, wordsOf } from './check.ts';
import { askReadiness } from './readiness.ts';

export type PublicHostParts = {
  /** PUBLIC_ASSISTANT_HOST */
  readonly publicHost: string | null;
  /** Null before the first start. */
  readonly installationId: () => Promise<string | null>;
  readonly now: Date;
  /** Authorities trusted in place of the system's. */
  readonly ca?: string;
};

const CONNECT_LIMIT_MS = 8_000;
const DAY_MS = 86_400_000;
const FEW_DAYS = 14;
const DEFAULT_PORT = 443;

/** What carriers meet: the name, its certificate, and who answers there. */
export function publicHostCheck(parts: PublicHostParts): Check {
  return {
    name: 'public host',
    run: async (signal) => {
      const { publicHost } = parts;
      if (publicHost === null) {
        return warn(
          'PUBLIC_ASSISTANT_HOST is not set: SIP and Asterisk work, Twilio, Vonage and Exotel do not',
          'set it to the host that carriers reach this server under (docs/local-development.md: through a tunnel)',
        );
      }
      const url = new URL(`https://${publicHost}`);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const dns = await judgeName(host);
      if (dns.status === 'fail') return dns;
      const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
      const certificate = await judgeCertificate(parts, { host, port, signal });
      if (certificate.isReached) return [dns, certificate.finding, await judgeAnswer(parts, url.origin, signal)];
      return [dns, certificate.finding];
    },
  };
}

async function judgeName(host: string): Promise<Finding> {
  const addresses = await lookup(host, { all: true }).catch(() => []);
  if (addresses.length === 0) {
    return fail(`the name ${host} has no address`, 'correct PUBLIC_ASSISTANT_HOST, or add an A or AAAA record');
  }
  const list = addresses.map(({ address }) => address).join(', ');
  const name = isIP(host) ? host : `${host} is ${list}`;
  const isReachable = addresses.some(({ address }) => !isPrivate(address));
  if (isReachable) return ok(name);
  return warn(
    `${name}: not an address of the public internet`,
    'fine where DNS differs inside; carriers need a public one',
  );
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv4');
}
PRIVATE.addAddress('::1', 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

type Reaching = { readonly host: string; readonly port: number; readonly signal: AbortSignal };

async function judgeCertificate(
  { now, ca }: PublicHostParts,
  reaching: Reaching,
): Promise<{ readonly finding: Finding; readonly isReached: boolean }> {
  const { host, port } = reaching;
  try {
    const { certificate, problem } = await readCertificate(reaching, ca);
    return { finding: describeCertificate(host, certificate, { problem, now }), isReached: true };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isPlain =
      code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' || code === 'EPROTO';
    const finding = isPlain
      ? fail(
          `${host}:${port} answers, but not in TLS`,
          'put a proxy with a certificate in front, or set TLS__CERT and TLS__KEY',
        )
      : fail(
          `${host}:${port} is not reached from here: ${code ?? wordsOf(error)}`,
          'start the server and what is in front of it; open the port; behind a router this may fail from inside only',
        );
    return { finding, isReached: false };
  }
}

function readCertificate(
  { host, port, signal }: Reaching,
  ca: string | undefined,
): Promise<{ readonly certificate: PeerCertificate; readonly problem: string | null }> {
  return new Promise((resolve, reject) => {
    const name = isIP(host) ? {} : { servername: host };
    const socket: TLSSocket = connect({ host, port, ...name, rejectUnauthorized: false, ...(ca && { ca }) }, () => {
      const certificate = socket.getPeerCertificate();
      const error: unknown = socket.authorized ? null : socket.authorizationError;
      const code = (error as { code?: unknown } | null)?.code;
      resolve({ certificate, problem: error === null ? null : String(code ?? error) });
      socket.destroy();
    });
    const late = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_LIMIT_MS)]);
    late.addEventListener('abort', () => {
      socket.destroy();
      reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    });
    socket.once('error', reject);
  });
}

function describeCertificate(
  host: string,
  certificate: PeerCertificate,
  { problem, now }: { readonly problem: string | null; readonly now: Date },
): Finding {
  const until = new Date(certificate.valid_to);
  const days = Math.floor((until.getTime() - now.getTime()) / DAY_MS);
  const day = until.toISOString().slice(0, 10);
  if (checkServerIdentity(host, certificate)) {
    const names = certificate.subjectaltname?.replaceAll('DNS:', '') ?? 'no name at all';
    return fail(`its certificate is for ${names}, not for ${host}`, 'get one for this name: carriers refuse the other');
  }
  if (days < 0) return fail(`its certificate ended on ${day}`, 'renew it: carriers refuse it');
  if (new Date(certificate.valid_from) > now)
    return fail('its certificate is not valid yet', 'look at the clock here and there');
  if (problem !== null) return fail(`its certificate is not trusted (${problem})`, ADVICE[problem] ?? ADVICE_OTHERWISE);
  const text = `its certificate is trusted, ${days} days are left (until ${day})`;
  return days < FEW_DAYS ? warn(text, 'renew it, and see why that did not happen by itself') : ok(text);
}

const ADVICE_OTHERWISE = 'use one of a public authority, Let’s Encrypt for one: carriers refuse this one';
const ADVICE: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'send the intermediate certificates too: fullchain.pem in place of cert.pem',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'send the intermediate certificates too: fullchain.pem in place of cert.pem',
};

async function judgeAnswer({ installationId }: PublicHostParts, origin: string, signal: AbortSignal): Promise<Finding> {
  const where = `${origin}/readiness`;
  try {
    const { status, installation } = await askReadiness(origin, signal);
    const own = await installationId();
    if (installation === null) {
      return fail(
        `${where} is answered ${status} by something else`,
        'lead the name, or the tunnel, to this server and start it',
      );
    }
    if (installation !== own) {
      return fail(
        `${where} is answered by another installation of assistant-api`,
        'lead the name, or the tunnel, to this one',
      );
    }
    if (status !== 200)
      return fail(`${where} reaches this installation, which answers ${status}`, 'see what /readiness says');
    return ok(`${where} reaches this installation`);
  } catch (error) {
    return fail(`${where} is not answered: ${wordsOf(error)}`, 'start the server and what is in front of it');
  }
}
