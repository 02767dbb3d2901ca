import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import {
  AdvertisedAddress,
  blockListOf,
  isListed,
  plainAddress,
  probeRoute,
  type RouteProbe,
} from '../../channels/sip/advertised-address.ts';
import type { Config, SipConfig } from '../../config/config.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { systemRandom } from '../../runtime/system-random.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';
import { Installation } from './installation.ts';
import { portsCheck } from './ports.ts';
import { askOptions, comesBack } from './sip-probe.ts';
import { registrationsCheck } from './sip-trunks.ts';
import type { DoctorTopic } from './topic.ts';

/** TEST-NET-3 (RFC 5737): an address of the internet that nobody has. */
const SOMEBODY_OUTSIDE = '203.0.113.77';
/** What nobody outside can send to: RFC 1918, RFC 6598, loopback, link-local, unique local. */
const NOT_PUBLIC = blockListOf([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
]);
/** net.ipv4.ip_local_port_range of Linux. */
const EPHEMERAL = { start: 32_768, end: 60_999 };
/** A freed pair rests for 30 s, so fewer pairs than this are soon at rest all. */
const FEW_PAIRS = 100;
const DAY_MS = 24 * 3600 * 1000;
const RENEW_BEFORE_DAYS = 14;

/** The built-in SIP server: what callers are told, and whether they can reach it. */
export const sipTopic: DoctorTopic = {
  word: 'sip',
  help: [['doctor sip', 'look at the built-in SIP server: the address callers are told, its ports, RTP, certificate']],
  options: {},
  checks: (world, _options, stack): readonly Check[] => {
    const { sip } = world.config;
    const installation = new Installation(world, stack);
    return [
      toldAddressCheck(sip),
      answersCheck(sip),
      sipPortsCheck(world.config, () => installation.id()),
      rtpRangeCheck(sip),
      hairpinCheck(sip),
      registrationsCheck(installation, { clock: systemClock, random: systemRandom }),
      ...(sip.tls ? [certificateCheck(sip.tls.certFile, systemClock.date())] : []),
    ];
  },
};

/** What the SDP of a call names: a private address is silence for everybody outside. */
export function toldAddressCheck(sip: SipConfig, probe: RouteProbe = probeRoute): Check {
  return {
    name: 'address told',
    run: async () => {
      const { externalIp, localNets, host: bindHost } = sip;
      const rules = { bindHost, externalIp, localNets };
      const told = await new AdvertisedAddress(rules, probe).learn(SOMEBODY_OUTSIDE).catch(() => null);
      if (told === null) return warn('no route leads to the internet from here', 'right, if nobody calls from there');
      if (!isListed(NOT_PUBLIC, told)) return ok(`callers from the internet are told ${told} in SDP and Contact`);
      const text = `callers from the internet are told ${told}, which they cannot send to: they would hear nothing, nor be heard`;
      if (externalIp !== null) return fail(text, 'set SIP__EXTERNAL_IP to the public IP');
      return warn(text, 'set SIP__EXTERNAL_IP to the public IP, unless all callers are on your own networks');
    },
  };
}

/** Whether whoever has the port speaks SIP. */
export function answersCheck({ host, port }: Pick<SipConfig, 'host' | 'port'>): Check {
  return {
    name: 'OPTIONS',
    run: async (signal) => {
      if (port === 0) return [];
      const product = await askOptions(loopbackOf(host), port, signal);
      if (product === null) return warn(`nobody answers on port ${port} now`, 'npm start, then ask again');
      return ok(`${product} answers on port ${port}`);
    },
  };
}

function sipPortsCheck(config: Config, installationId: () => Promise<string | null>): Check {
  const all = portsCheck(config, installationId);
  return {
    name: 'ports',
    run: async (signal) => [await all.run(signal)].flat().filter(({ text }) => /^(SIP|RTP)\b/.test(text)),
  };
}

/** Whether the range is its own, and wide enough. */
export function rtpRangeCheck({ rtpPorts }: Pick<SipConfig, 'rtpPorts'>): Check {
  const { start, end } = rtpPorts;
  const pairs = Math.floor((end - start + 1) / 2);
  return {
    name: 'RTP range',
    run: () => {
      const findings: Finding[] = [];
      if (start <= EPHEMERAL.end && end >= EPHEMERAL.start)
        findings.push(
          warn(
            `${start}-${end} meets ${EPHEMERAL.start}-${EPHEMERAL.end}, where the system takes ports for outgoing connections`,
            'set SIP__RTP_PORT_RANGE_START and _END below 32768',
          ),
        );
      if (pairs < FEW_PAIRS)
        findings.push(
          warn(
            `${pairs} pairs of ports: no more calls at once, and a pair rests for 30 s after each`,
            'widen SIP__RTP_PORT_RANGE_START..END',
          ),
        );
      return findings.length > 0 ? findings : ok(`${start}-${end}: ${pairs} calls at once`);
    },
  };
}

/** Sends a packet to our own external address: only a router that turns it round shows that the range is open. */
export function hairpinCheck(sip: SipConfig, ownAddresses: readonly string[] = addressesHere()): Check {
  return {
    name: 'RTP from outside',
    run: async (signal) => {
      const { externalIp, host, rtpPorts } = sip;
      const range = `UDP ${rtpPorts.start}-${rtpPorts.end}`;
      if (externalIp === null) return [];
      if (ownAddresses.includes(externalIp))
        return ok(`${externalIp} is this machine's own; open ${range} in its firewall`);
      if (await comesBack({ host, to: externalIp, port: rtpPorts.start }, signal))
        return ok(`a packet to ${externalIp}:${rtpPorts.start} comes in here`);
      return warn(
        `a packet to ${externalIp}:${rtpPorts.start} did not come in here: the range is closed, or the router does not turn packets round`,
        `forward ${range} to this machine, and call from outside: silence one way means that it is closed`,
      );
    },
  };
}

/** The certificate of SIP over TLS and how long it lasts. */
export function certificateCheck(certFile: string, now: Date): Check {
  return {
    name: 'SIP certificate',
    run: async () => {
      const { subject, validTo } = new X509Certificate(await readFile(certFile));
      const days = Math.floor((Date.parse(validTo) - now.getTime()) / DAY_MS);
      const text = `${subject.replaceAll('\n', ', ')}: ${days} days left`;
      if (days < 0) return fail(`${certFile} ended on ${validTo}`, 'renew it; it is read again without a restart');
      return days < RENEW_BEFORE_DAYS ? warn(text, 'renew it; it is read again without a restart') : ok(text);
    },
  };
}

function loopbackOf(host: string): string {
  if (host === '0.0.0.0' || host === 'localhost') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function addressesHere(): string[] {
  return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => plainAddress(address)));
}
