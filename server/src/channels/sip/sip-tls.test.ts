import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import { SdpNegotiator } from '../../protocols/sdp/sdp-negotiator.ts';
import { NO_DNS } from '../../protocols/sip/fakes/agent.ts';
import { openStreamTransport } from '../../protocols/sip/transport/stream-transport.ts';
import { UserAgent } from '../../protocols/sip/user-agent.ts';
import { ASSISTANT, cryptoRandom, KEY, Phone, SipWorld, until } from './fakes/sip-world.ts';

let folder: string;
let files: { certFile: string; keyFile: string };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
  files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  makeCertificate('127.0.0.1');
});
afterEach(() => rmSync(folder, { recursive: true }));

function makeCertificate(name: string): void {
  const { certFile, keyFile } = files;
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  execFileSync('openssl', ['req', '-x509', ...newKey, '-keyout', keyFile, '-out', certFile, ...subject], {
    stdio: 'ignore',
  });
}

function nameAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('a renewed certificate is shown to new connections; half a renewal is logged once and left', async () => {
  const clock = new FakeClock();
  await using world = await SipWorld.open({ settings: { tls: { port: 0, ...files } }, clock });
  const port = world.server.ports.tls ?? 0;
  const before = await nameAt(port);

  writeFileSync(files.certFile, 'half a file');
  clock.advance(5_000);
  await until(() => world.log.events.includes('tls.reload_failed'));
  const meanwhile = await nameAt(port);
  makeCertificate('renewed.example');
  await until(() => {
    clock.advance(5_000);
    return world.log.events.includes('tls.reloaded');
  });

  expect([before, meanwhile, await nameAt(port)]).toEqual(['127.0.0.1', '127.0.0.1', 'renewed.example']);
  expect(world.log.events.filter((event) => event === 'tls.reload_failed')).toHaveLength(1);
});

test('over TLS a call is answered with SRTP where it is offered', async () => {
  const { certFile, keyFile } = files;
  await using world = await SipWorld.open({ settings: { tls: { port: 0, certFile, keyFile } } });
  await using agent = new UserAgent({
    clock: realClock,
    random: cryptoRandom,
    resolver: NO_DNS,
    product: 'phone',
    onInvite: (call) => call.reject(603),
  });
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(certFile) };
  const bind = { address: '127.0.0.1', port: 0 };
  agent.listen(await openStreamTransport(bind, { clock: realClock, tls: pair }, agent.transportEvents));
  const agreed: AgreedMedia[] = [];
  const srtpKey = Buffer.alloc(30, 9);
  const media = new SdpNegotiator({
    local: { address: '127.0.0.1', port: 40_000, codecs: ['PCMU'], srtpKey },
    id: '1',
    changed: (one) => void agreed.push(one),
  });

  const phone = new Phone(agent, `127.0.0.1:${world.server.ports.tls};transport=tls`);
  const call = await phone.dial({ user: `${ASSISTANT}:${KEY}`, password: null, media }).answered();
  await until(() => world.calls.attached.length === 1);
  call.hangUp();
  await until(() => world.calls.ends.length === 1);

  const ours = world.rtp.calls[0]?.agreed[0]?.srtp;
  expect(ours?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
  expect(Buffer.from(ours?.remoteKey ?? [])).toEqual(srtpKey);
  expect(Buffer.from(agreed[0]?.srtp?.remoteKey ?? [])).toEqual(Buffer.from(ours?.localKey ?? []));
});
