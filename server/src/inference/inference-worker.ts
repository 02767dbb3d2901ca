import { parentPort, workerData } from 'node:worker_threads';
import type { VoiceModelModule } from '../core/ports/voice-model.ts';
import type { InferenceCommand, InferenceNews, InferenceWorkerData } from './messages.ts';
import { VoiceDesk } from './voice-desk.ts';

/** How often the rings are looked at: a window waits 4 ms on average. */
const WAKE_MS = 8;

const port = parentPort;
if (port === null) throw new Error('inference-worker.ts runs in a worker thread only');

const { voiceModel } = workerData as InferenceWorkerData;
const { openVoiceModel } = (await import(voiceModel)) as VoiceModelModule;
const model = await openVoiceModel();
const desk = new VoiceDesk(model);
let timer: NodeJS.Timeout | null = null;
let isJudging = false;

port.on('message', (command: InferenceCommand) => {
  desk.obey(command);
  if (desk.isIdle) stop();
  else timer ??= setInterval(() => void judgeAll().catch(die), WAKE_MS);
});
tell({ type: 'ready', windowSamples: model.windowSamples });

/** Goes on until the rings are empty, one message a round, so that calls that came late do not hold up the others. */
async function judgeAll(): Promise<void> {
  if (isJudging) return;
  isJudging = true;
  for (let rows = await desk.judge(); rows.length > 0; rows = await desk.judge()) tell(rows);
  isJudging = false;
}

function stop(): void {
  if (timer !== null) clearInterval(timer);
  timer = null;
}

function tell(news: InferenceNews): void {
  port?.postMessage(news, news instanceof Float64Array ? [news.buffer as ArrayBuffer] : []);
}

/** A model that fails has lost every call's state: main starts a new worker. */
function die(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
