import type { SipConfig } from './config.ts';
import type { SettingReader } from './setting-reader.ts';
import { parseHost, parseInteger, parseIp, parseNets, parsePort } from './setting-values.ts';

const DEFAULT_PORT = 5090;
const DEFAULT_TLS_PORT = 5091;
const DEFAULT_RTP_PORTS = { start: 10_000, end: 20_000 };
/** Loopback, RFC 1918, unique local (RFC 4193) and link-local (RFC 4291) addresses. */
const DEFAULT_LOCAL_NETS = [
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  'fe80::/10',
] as const;
/** net.ipv4.ip_local_port_range of Linux, where the system takes ports for outgoing connections. */
const EPHEMERAL = { start: 32_768, end: 60_999 };

export function readSip(settings: SettingReader): SipConfig {
  const tlsPort = settings.read('SIP__TLS_PORT', DEFAULT_TLS_PORT, parsePort);
  const tlsFiles = settings.pair('SIP__TLS_CERT', 'SIP__TLS_KEY');
  return {
    host: settings.read('SIP__SERVER', '0.0.0.0', parseHost),
    port: settings.read('SIP__PORT', DEFAULT_PORT, parsePort),
    tls: tlsFiles && { port: tlsPort, certFile: tlsFiles[0], keyFile: tlsFiles[1] },
    externalIp: readExternalIp(settings),
    localNets: settings.read('SIP__LOCAL_NETS', DEFAULT_LOCAL_NETS, parseNets),
    rtpPorts: readRtpPorts(settings),
  };
}

function readExternalIp(settings: SettingReader): string | null {
  const ip = settings.read('SIP__EXTERNAL_IP', null, parseIp);
  if (ip !== '0.0.0.0' && ip !== '::') return ip;
  settings.warnings.push(
    `SIP__EXTERNAL_IP=${ip} is no address anybody can send to, so it counts as unset: SIP callers outside SIP__LOCAL_NETS ` +
      'will hear no audio unless they can reach a local address of this machine; set it to the public IP',
  );
  return null;
}

function readRtpPorts(settings: SettingReader): SipConfig['rtpPorts'] {
  const parse = (text: string) => parseInteger(text, 1, 65_535);
  const first = settings.read('SIP__RTP_PORT_RANGE_START', DEFAULT_RTP_PORTS.start, parse);
  const end = settings.read('SIP__RTP_PORT_RANGE_END', DEFAULT_RTP_PORTS.end, parse);
  // RTP takes an even port, RTCP the odd one above it (RFC 3550, 11).
  const start = first + (first % 2);
  if (end < start + 1) {
    settings.mistake('SIP__RTP_PORT_RANGE_END', `leaves no pair of ports (even and odd) from ${first} on`);
  }
  if (start <= EPHEMERAL.end && end >= EPHEMERAL.start) {
    settings.warnings.push(
      `SIP__RTP_PORT_RANGE_START..END (${start}-${end}) meets ${EPHEMERAL.start}-${EPHEMERAL.end}, where the system takes ` +
        'ports for outgoing connections: some pairs will be taken; a range below it is better',
    );
  }
  return { start, end };
}
