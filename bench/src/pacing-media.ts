import { startMediaWorker } from '@assistant/server/media/media-worker';
import { converse, serveBench } from './media-process.ts';
import { clock, log, metrics } from './quiet-ports.ts';

const worker = startMediaWorker({ log, metrics, clock });
const listener = await worker.listenAudioSocket({
  host: '127.0.0.1',
  port: 0,
  onArrival: ({ media }) => converse(media),
});
serveBench(worker, { where: String(listener.port) });
