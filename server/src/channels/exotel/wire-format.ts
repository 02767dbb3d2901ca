export type WireFormat = { readonly encoding: 'mulaw' | 'linear'; readonly sampleRate: number };

/** `start.media_format` as it came; every part may be missing. */
export type MediaFormat = { readonly encoding?: string; readonly sampleRate?: string; readonly bitRate?: string };

const LINEAR_8K: WireFormat = { encoding: 'linear', sampleRate: 8_000 };
const MULAW_8K: WireFormat = { encoding: 'mulaw', sampleRate: 8_000 };
const RATES = [8_000, 16_000, 24_000];
const MESSAGES_NEEDED = 3;

/**
 * What `start` says about the audio, or null when it says nothing usable. The applet pages say linear, one extension guide
 * and the manual say μ-law: so the call itself is asked. Source: Exotel "Voicebot applet", Agent-Stream samples.
 */
export function formatFromStart(format: MediaFormat, sampleRateParameter: string | undefined): WireFormat | null {
  const rate = knownRate(format.sampleRate) ?? knownRate(sampleRateParameter);
  if (/mu-?law|ulaw|pcmu/i.test(format.encoding ?? '') || /^(8|64)(kbps)?$/i.test(format.bitRate ?? ''))
    return MULAW_8K;
  if (/raw|slin|l16|base64|pcm/i.test(format.encoding ?? '') || /^(16|128)(kbps)?$/i.test(format.bitRate ?? '')) {
    return { encoding: 'linear', sampleRate: rate ?? 8_000 };
  }
  return rate ? { encoding: 'linear', sampleRate: rate } : null;
}

/** What a deployment's setting says, whatever `start` says; null where it leaves the matter open. */
export function forcedFormat(
  audio: string | undefined,
  format: MediaFormat,
  sampleRateParameter: string | undefined,
): WireFormat | null {
  if (audio === 'mulaw') return MULAW_8K;
  if (audio !== 'linear') return null;
  return {
    encoding: 'linear',
    sampleRate: knownRate(format.sampleRate) ?? knownRate(sampleRateParameter) ?? LINEAR_8K.sampleRate,
  };
}

/** Decides by bytes per millisecond over the first messages, when `start` was silent. Messages come about every 100 ms. */
export class FormatEvidence {
  #messages = 0;
  #firstMs = 0;
  #bytes = 0;
  #verdict: WireFormat | null = null;

  /** Adds a media message; the verdict once three have come with a usable clock, null before. */
  add(bytes: number, timestampMs: number): WireFormat | null {
    if (this.#messages++ === 0) {
      this.#firstMs = timestampMs;
      this.#bytes = bytes;
      return null;
    }
    const elapsedMs = timestampMs - this.#firstMs;
    this.#verdict = elapsedMs > 0 ? nearest(this.#bytes / elapsedMs) : null;
    this.#bytes += bytes;
    return this.#messages >= MESSAGES_NEEDED ? this.#verdict : null;
  }

  /** The best that can be said so far, for when there is no more time; linear at 8 kHz where nothing came. */
  get best(): WireFormat {
    return this.#verdict ?? LINEAR_8K;
  }
}

function nearest(bytesPerMs: number): WireFormat {
  if (bytesPerMs < 12) return MULAW_8K;
  if (bytesPerMs < 24) return LINEAR_8K;
  return { encoding: 'linear', sampleRate: bytesPerMs < 40 ? 16_000 : 24_000 };
}

function knownRate(text: string | undefined): number | undefined {
  const rate = Number(text);
  return RATES.includes(rate) ? rate : undefined;
}
