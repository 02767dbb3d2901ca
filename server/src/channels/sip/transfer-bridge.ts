import { Resampler } from '../../audio/resampler.ts';
import type { ReplyId } from '../../core/ids.ts';
import type { MediaListener, MediaTransport } from '../../core/ports/media-transport.ts';
import type { MediaWithInfoDigits } from './digit-sources.ts';

const BRIDGED = 0 as ReplyId;
/** More than this behind is no jitter any more: what comes then is dropped, until it is less. */
const MOST_LAG_MS = 120;

/** Two calls that talk with each other. */
export type Bridge = {
  /** Ends both. */
  end(): void;
  /** Resolves once both are over. */
  readonly ended: Promise<unknown>;
};

/**
 * Lets two calls of ours talk with each other: what one says, the other hears, keys included; when one ends, so does the other.
 * Each side keeps its own codec, address and encryption, which a re-INVITE to each other's address could not.
 * Null when the caller's is over already; nothing has changed then.
 */
export function bridge(caller: MediaWithInfoDigits, callee: MediaWithInfoDigits): Bridge | null {
  const sides: { caller: MediaTransport | null; callee: MediaTransport | null } = { caller: null, callee: null };
  const gone = { caller: Promise.withResolvers<void>(), callee: Promise.withResolvers<void>() };
  // Verbs on a leg that is over do nothing, so each end may close the other without asking.
  sides.caller = caller.takeOver(relay(caller.sampleRate, () => sides.callee, gone.caller.resolve));
  if (sides.caller === null) return null;
  callee.listen(relay(callee.sampleRate, () => sides.caller, gone.callee.resolve));
  sides.callee = callee;
  return {
    end: () => sides.caller?.close(),
    ended: Promise.all([gone.caller.promise, gone.callee.promise]),
  };
}

function relay(fromRate: number, otherSide: () => MediaTransport | null, gone: () => void): MediaListener {
  let way: { readonly resampler: Resampler; readonly output: Int16Array } | undefined;
  return {
    audio: (view) => {
      const other = otherSide();
      if (other === null || isBehind(other)) return;
      if (other.sampleRate === fromRate) {
        other.play({ samples: view, sampleRate: fromRate }, BRIDGED);
        return;
      }
      way ??= wayTo(fromRate, other.sampleRate);
      const length = way.resampler.process(view, way.output);
      other.play({ samples: way.output.subarray(0, length), sampleRate: other.sampleRate }, BRIDGED);
    },
    digit: (digit) => otherSide()?.sendDigits(digit),
    played: () => {},
    cleared: () => {},
    writable: () => {},
    held: () => {},
    closed: () => {
      gone();
      otherSide()?.close();
    },
  };
}

function wayTo(fromRate: number, toRate: number) {
  // Up to 2 s may wait on the first delivery.
  return { resampler: new Resampler(fromRate, toRate), output: new Int16Array(2 * toRate + fromRate) };
}

function isBehind(transport: MediaTransport): boolean {
  const { queued, sent } = transport.position();
  return (queued - sent) * 1000 > MOST_LAG_MS * transport.sampleRate;
}
