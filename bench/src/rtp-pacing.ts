import { measurePacing } from './pacing.ts';

/** Calls over RTP (PCMU) against the real media worker: as `pacing`, with its options. */
export function run(args: readonly string[]): Promise<object> {
  return measurePacing(args, { media: 'rtp-pacing-media.ts', load: 'rtp-pacing-load.ts' });
}
