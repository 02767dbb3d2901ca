import { workerData } from 'node:worker_threads';
import { SharedRingWriter } from '@assistant/server/audio/shared-ring';

/** Writes the numbers 0, 1, 2 … (the lower 16 bits of each) in chunks of changing length, as fast as it can. */
const { memory, samples } = workerData as { readonly memory: SharedArrayBuffer; readonly samples: number };
const writer = new SharedRingWriter(memory);
const chunk = new Int16Array(97);
for (let at = 0; at < samples; ) {
  const part = chunk.subarray(0, Math.min(1 + (at % 97), samples - at));
  for (let index = 0; index < part.length; index++) part[index] = at + index;
  writer.write(part);
  at += part.length;
}
