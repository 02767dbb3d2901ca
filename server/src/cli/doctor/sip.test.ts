import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SipWorld } from '../../channels/sip/fakes/sip-world.ts';
import type { SipConfig } from '../../config/config.ts';
import type { Check, Finding } from './check.ts';
import { answersCheck, certificateCheck, hairpinCheck, rtpRangeCheck, toldAddressCheck } from './sip.ts';

const SIP: SipConfig = {
  host: '0.0.0.0',
  port: 5090,
  tls: null,
  externalIp: null,
  localNets: ['10.0.0.0/8'],
  rtpPorts: { start: 10_000, end: 20_000 },
};

async function findings(check: Check): Promise<readonly Finding[]> {
  return [await check.run(AbortSignal.timeout(10_000))].flat();
}

test.each<[string, Partial<SipConfig> & { route: string }, Finding['status'], string]>([
  ['a public external address', { externalIp: '198.51.100.9', route: '10.0.0.5' }, 'ok', 'told 198.51.100.9 in SDP'],
  ['none, and a private machine', { route: '10.0.0.5' }, 'warn', 'told 10.0.0.5, which they cannot send to'],
  ['none, and a public machine', { route: '198.51.100.7' }, 'ok', 'told 198.51.100.7 in SDP'],
  ['a private external address', { externalIp: '192.168.1.4', route: '10.0.0.5' }, 'fail', 'told 192.168.1.4, which'],
])('%s', async (_name, { route, ...changes }, status, text) => {
  const [finding] = await findings(toldAddressCheck({ ...SIP, ...changes }, async () => route));

  expect(finding?.status).toBe(status);
  expect(finding?.text).toContain(text);
});

test('a running server is found by OPTIONS, and named; a silent port is told', async () => {
  await using world = await SipWorld.open();
  const host = '127.0.0.1';

  const [running] = await findings(answersCheck({ host, port: world.server.ports.udp }));
  const gone = createSocket('udp4').bind(0, host);
  await once(gone, 'listening');
  const { port } = gone.address();
  gone.close();
  const [silent] = await findings(answersCheck({ host, port }));

  expect(running).toEqual({ status: 'ok', text: `assistant-api answers on port ${world.server.ports.udp}` });
  expect(silent).toMatchObject({ status: 'warn', text: `nobody answers on port ${port} now` });
});

test('a range where the system takes its own ports, and one that is small, are told', async () => {
  const good = await findings(rtpRangeCheck(SIP));
  const meeting = await findings(rtpRangeCheck({ rtpPorts: { start: 30_000, end: 40_000 } }));
  const small = await findings(rtpRangeCheck({ rtpPorts: { start: 10_000, end: 10_019 } }));

  expect(good).toEqual([{ status: 'ok', text: '10000-20000: 5000 calls at once' }]);
  expect(meeting.map(({ status }) => status)).toEqual(['warn']);
  expect(small[0]?.text).toContain('10 pairs of ports');
});

test('the external address: our own, one whose packets come in here, and one whose packets do not', async () => {
  const free = createSocket('udp4').bind(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  free.close();
  const sip = { ...SIP, host: '127.0.0.1', externalIp: '127.0.0.1', rtpPorts: { start: port, end: port + 1 } };
  const taken = createSocket('udp4').bind(0, '127.0.0.1');
  await once(taken, 'listening');
  const closed = { ...sip, rtpPorts: { start: taken.address().port, end: taken.address().port + 1 } };

  const own = await findings(hairpinCheck(sip, ['127.0.0.1']));
  const arriving = await findings(hairpinCheck(sip, []));
  const lost = await findings(hairpinCheck(closed, []));
  taken.close();

  expect([own, arriving, lost].map(([finding]) => finding?.status)).toEqual(['ok', 'ok', 'warn']);
  expect(arriving[0]?.text).toBe(`a packet to 127.0.0.1:${port} comes in here`);
});

test('a certificate that ends soon, and one that has ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-sip-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...newKey, '-keyout', keyFile, '-out', certFile, '-subj', '/CN=sip', '-days', '30'],
    {
      stdio: 'ignore',
    },
  );
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

  const statuses = [];
  for (const days of [0, 20, 40]) statuses.push((await findings(certificateCheck(certFile, inDays(days))))[0]?.status);
  rmSync(folder, { recursive: true });

  expect(statuses).toEqual(['ok', 'warn', 'fail']);
});
