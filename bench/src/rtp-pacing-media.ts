import { startMediaWorker } from '@assistant/server/media/media-worker';
import type { UdpChoice } from '@assistant/server/media/udp/open-udp-io';
import { CODECS } from '@assistant/server/protocols/sdp/codecs';
import { converse, readProcess, serveBench } from './media-process.ts';
import { clock, log, metrics } from './quiet-ports.ts';

const PORTS = { start: 16_000, end: 32_000 };

const calls = Number(process.argv[2]);
const udp = (process.argv[3] ?? 'auto') as UdpChoice;
const worker = startMediaWorker({ log, metrics, clock, udp });
await worker.openRtp({ bindHost: '127.0.0.1', ports: PORTS }).then((first) => first[Symbol.asyncDispose]());
const idle = readProcess(worker);
const open = () => worker.openRtp({ bindHost: '127.0.0.1', ports: PORTS });
const sessions = await Promise.all(Array.from({ length: calls }, open));
for (const session of sessions) {
  const media = session.start({
    codec: CODECS.PCMU,
    payloadType: 0,
    dtmfPayloadType: 101,
    noisePayloadType: undefined,
    frameMs: 20,
    // Nowhere: the phones are found by what they send.
    remote: { address: '0.0.0.0', port: 9, rtcpPort: 9 },
    hasRtcpMux: false,
    direction: 'sendrecv',
    srtp: undefined,
  });
  converse(media);
}
serveBench(worker, {
  where: sessions.map(({ localPort }) => localPort).join(),
  idle,
  hangUp: async () => {
    await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
  },
});
