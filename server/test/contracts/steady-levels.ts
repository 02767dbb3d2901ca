import type { MediaListener, MediaTransport } from '@assistant/server/core/ports/media-transport';

/** G.722 comes 22 samples late and swings into a new level within four more: this part of a block has settled. */
const SETTLED = { from: 26, to: 36 } as const;

/**
 * Test audio as it was before G.722, in blocks: each gets the mean of its settled part, whose end may lie in the next block.
 * @param block samples; every level must last for whole blocks.
 */
export function steadyLevels(samples: Int16Array, block: number): Int16Array {
  const steady = new Int16Array(samples.length);
  for (let at = 0; at < samples.length; at += block) {
    // What ends with the newest packet is still on its way through the filters: it goes on as it was.
    const from = Math.min(at + SETTLED.from, samples.length - (SETTLED.to - SETTLED.from));
    const settled = samples.subarray(from, from + SETTLED.to - SETTLED.from);
    const mean = settled.reduce((sum, sample) => sum + sample, 0) / Math.max(1, settled.length);
    steady.fill(Math.round(mean), at, at + block);
  }
  return steady;
}

/** The transport, its listener told the caller's audio in steady levels. */
export function withSteadyLevels(transport: MediaTransport): MediaTransport {
  return new Proxy(transport, {
    get: (target, name: keyof MediaTransport) => {
      if (name === 'listen') return (listener: MediaListener) => target.listen(steadied(listener, target.sampleRate));
      const value: unknown = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function steadied(listener: MediaListener, sampleRate: number): MediaListener {
  return new Proxy(listener, {
    get: (target, name: keyof MediaListener) => {
      if (name === 'audio') {
        return (view: Int16Array, clockMs: number) => target.audio(steadyLevels(view, sampleRate / 50), clockMs);
      }
      const value: unknown = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
