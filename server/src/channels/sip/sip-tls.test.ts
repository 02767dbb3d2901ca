import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realClock } from '../../../test/fakes/real-clock.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import { SdpNegotiator } from '../../protocols/sdp/sdp-negotiator.ts';
import { NO_DNS } from '../../protocols/sip/fakes/agent.ts';
import { openStreamTransport } from '../../protocols/sip/transport/stream-transport.ts';
import { UserAgent } from '../../protocols/sip/user-agent.ts';
import { ASSISTANT, cryptoRandom, KEY, Phone, SipWorld, until } from './fakes/sip-world.ts';

test('over TLS a call is answered with SRTP where it is offered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  execFileSync('openssl', ['req', '-x509', ...newKey, '-keyout', keyFile, '-out', certFile, ...subject], {
    stdio: 'ignore',
  });
  await using world = await SipWorld.open({ settings: { tls: { port: 0, certFile, keyFile } } });
  await using agent = new UserAgent({
    clock: realClock,
    random: cryptoRandom,
    resolver: NO_DNS,
    product: 'phone',
    onInvite: (call) => call.reject(603),
  });
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(certFile) };
  rmSync(folder, { recursive: true });
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
