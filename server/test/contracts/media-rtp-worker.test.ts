import { afterAll } from 'vitest';
import { startTestWorker } from './audiosocket-worker-harness.ts';
import { mediaTransportContract } from './media-transport.ts';
import { openRtpWorkerCall } from './rtp-worker-harness.ts';

const { worker } = startTestWorker();

afterAll(() => worker[Symbol.asyncDispose]());

mediaTransportContract('RTP through the real worker thread', () => openRtpWorkerCall(worker));
