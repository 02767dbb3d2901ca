import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { tone } from '../../../test/contracts/media-harness.ts';
import { RtpPhone } from '../../../test/contracts/rtp-phone.ts';
import { TEST_PORTS } from '../../../test/contracts/rtp-worker-harness.ts';
import { realClock } from '../../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../test/fakes/recording-log.ts';
import type { ReplyId } from '../../core/ids.ts';
import { startMediaWorker } from '../../media/media-worker.ts';
import { SipWorld, until } from './fakes/sip-world.ts';
import { rtpMedia } from './rtp-media.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

test('through the real worker: INVITE, digest, audio both ways, BYE, and the ports are free again', async () => {
  const worker = startMediaWorker({ log: new RecordingLog(), metrics: new RecordingMetrics(), clock: realClock });
  open.push(worker);
  const media = rtpMedia(worker, { bindHost: '127.0.0.1', ports: TEST_PORTS });
  const world = await SipWorld.open({ media });
  open.push(world);
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const dialled = (await world.phone()).dial({ rtpPort: socket.address().port });

  const call = await dialled.answered();
  await until(() => world.calls.attached.length === 1 && dialled.media.length === 1);
  const [agreed] = dialled.media;
  if (!agreed) throw new Error('nothing was agreed on');
  const phone = new RtpPhone(agreed);
  socket.on('message', (bytes) => phone.take(bytes));
  const talking = setInterval(() => socket.send(phone.frame(), agreed.remote.port, agreed.remote.address), 20);
  world.calls.attached[0]?.play({ samples: tone(1, 100, 8000), sampleRate: 8000 }, 1 as ReplyId);
  await until(() => phone.packets.length > 10 && world.calls.heardSamples > 1600);
  clearInterval(talking);
  call.hangUp();
  await until(() => world.calls.ends.length > 0 && worker.counters().rtpPorts === 0);

  expect(phone.heard().some((sample) => Math.abs(sample) > 1000)).toBe(true);
  expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
  expect(world.calls.figures).toMatchObject([{ codec: 'PCMU', packetsLost: 0 }]);
  expect(Number(world.calls.figures[0]?.['packetsReceived'])).toBeGreaterThan(10);
  expect(JSON.stringify(world.calls.figures)).not.toContain('127.0.0.1');
  expect(worker.counters()).toMatchObject({ activeCalls: 0, rtpPorts: 0 });
  socket.close();
});
