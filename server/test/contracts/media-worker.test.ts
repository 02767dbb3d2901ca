import { afterAll } from 'vitest';
import { openWorkerCall, startTestWorker } from './audiosocket-worker-harness.ts';
import { mediaTransportContract } from './media-transport.ts';

const { worker } = startTestWorker();

afterAll(() => worker[Symbol.asyncDispose]());

mediaTransportContract('AudioSocket through the real worker thread', () => openWorkerCall(worker));
