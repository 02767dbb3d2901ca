import { readFileSync } from 'node:fs';
import { readWav } from '@assistant/server/audio/wav';
import type {
  VoiceActivityDetector,
  VoiceActivitySession,
  VoiceWindow,
} from '@assistant/server/core/ports/voice-activity-detector';
import { expect } from 'vitest';
import { concat, sine, whiteNoise } from '../signals/signals.ts';
import { type ContractPromise, contractTests, type Opened } from './contract.ts';

export type VadHarness = {
  readonly vad: VoiceActivityDetector;
  /** Sessions it has room for. */
  readonly maxSessions: number;
  /** How long a window may take to come before the promise counts as broken. */
  readonly patienceMs: number;
};

const RATE = 8_000;
const FRAME = 160;
const SAMPLES_PER_MS = 8;
/** Samples pushed before the detector may catch up: it keeps half a second. */
const MAX_WAITING = 1_600;
const VOICED = 0.5;

const SPEECH = readWav(readFileSync(new URL('../fixtures/speech-rms.wav', import.meta.url))).samples;
/** The first sentence of the fixture. */
const SENTENCE_MS = { from: 720, to: 3_200 } as const;

/** What every voice activity detector promises, as tests against the one that `open` makes anew for each. */
export function voiceActivityContract(title: string, open: () => Promise<Opened<VadHarness>>): void {
  contractTests(`voice activity contract: ${title}`, voiceActivityPromises, open);
}

export const voiceActivityPromises: readonly ContractPromise<VadHarness>[] = [
  {
    name: 'it has a name fit for a label and windows of 10 to 100 ms',
    check: async (harness) => {
      expect(harness.vad.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(harness.vad.windowMs).toBeGreaterThanOrEqual(10);
      expect(harness.vad.windowMs).toBeLessThanOrEqual(100);
    },
  },
  {
    name: 'speech is voiced, silence is not, and both are told within their window',
    check: async (harness) => {
      const call = new Listening(harness);
      await call.hear(SPEECH);

      const sentence = call.windows.filter(({ endMs }) => endMs > SENTENCE_MS.from && endMs < SENTENCE_MS.to);
      const before = call.windows.filter(({ endMs }) => endMs < SENTENCE_MS.from - 100);
      expect(shareVoiced(sentence)).toBeGreaterThan(0.85);
      expect(shareVoiced(before)).toBe(0);
    },
  },
  {
    name: 'every window is told once, in order, whatever the length of the chunks',
    check: async (harness) => {
      const windowSamples = (harness.vad.windowMs * RATE) / 1_000;
      for (const chunk of [1, 37, 160, 1_000]) {
        const call = new Listening(harness);
        await call.hear(SPEECH.subarray(6_000, 10_000), chunk);

        expect(call.windows.map((window) => window.endSample)).toEqual(
          Array.from({ length: Math.floor(4_000 / windowSamples) }, (_, index) => (index + 1) * windowSamples),
        );
        call.session.close();
      }
    },
  },
  {
    name: 'the same audio is judged the same, in any chunks, in a new session, beside other calls',
    check: async (harness) => {
      const audio = SPEECH.subarray(4_000, 12_000);
      const alone = new Listening(harness);
      await alone.hear(audio);
      const [first, second] = [new Listening(harness), new Listening(harness)];
      await Promise.all([first.hear(audio, 50), second.hear(whiteNoise(8_000, 3_000), 240)]);

      expect(first.windows.length).toBe(alone.windows.length);
      for (const [index, { probability, levelDb }] of alone.windows.entries()) {
        expect(first.windows[index]?.probability).toBeCloseTo(probability, 3);
        expect(first.windows[index]?.levelDb).toBe(levelDb);
      }
    },
  },
  {
    name: 'a window ends on the caller’s clock when its last sample arrived',
    check: async (harness) => {
      const call = new Listening(harness, 50_000);
      await call.hear(new Int16Array(1_600));

      for (const { endMs, endSample } of call.windows) expect(endMs).toBeCloseTo(50_000 + endSample / 8, 6);
    },
  },
  {
    name: 'after a hole in the clock the next window ends after the hole',
    check: async (harness) => {
      const call = new Listening(harness);
      await call.hear(new Int16Array(320));
      call.clockMs += 3_000;
      await call.hear(new Int16Array(320));

      const last = call.windows.at(-1) as VoiceWindow;
      expect(last.endMs).toBeGreaterThan(3_040);
      expect(last.endMs).toBeLessThanOrEqual(3_080);
    },
  },
  {
    name: 'the level is that of the window: -100 dBFS for digital silence, -9 for a half-scale sine',
    check: async (harness) => {
      const call = new Listening(harness);
      await call.hear(concat(new Int16Array(2_560), sine(1_000, RATE, 2_560, 16_384)));

      expect(call.windows[0]?.levelDb).toBe(-100);
      expect(call.windows.at(-1)?.levelDb).toBeCloseTo(-9.03, 1);
    },
  },
  {
    name: 'the samples are copied: the caller may use the array again at once',
    check: async (harness) => {
      const call = new Listening(harness);
      const array = sine(1_000, RATE, 320, 16_384);
      call.session.push(array, 40);
      array.fill(0);
      await call.until(1);

      expect(call.windows[0]?.levelDb).toBeCloseTo(-9.03, 1);
    },
  },
  {
    name: 'reset forgets: no window holds audio from before it, and positions go on',
    check: async (harness) => {
      const windowSamples = (harness.vad.windowMs * RATE) / 1_000;
      const call = new Listening(harness);
      call.session.push(whiteNoise(windowSamples - 1, 20_000), 31);
      call.session.reset();
      call.session.push(new Int16Array(windowSamples), 63);
      await call.until(1);

      expect(call.windows).toMatchObject([{ levelDb: -100, endSample: windowSamples * 2 - 1 }]);
    },
  },
  {
    name: 'after a reset the same audio is judged as in a new session',
    check: async (harness) => {
      const audio = SPEECH.subarray(6_000, 10_000);
      const fresh = new Listening(harness);
      await fresh.hear(audio);
      const used = new Listening(harness);
      await used.hear(SPEECH.subarray(10_000, 14_000));
      used.reset();
      await used.hear(audio);

      expect(used.windows.length).toBe(fresh.windows.length);
      for (const [index, { probability }] of fresh.windows.entries()) {
        expect(used.windows[index]?.probability).toBeCloseTo(probability, 3);
      }
    },
  },
  {
    name: 'after close no window comes and every verb does nothing',
    check: async (harness) => {
      const closed = new Listening(harness);
      closed.session.push(new Int16Array(800), 100);
      const before = closed.windows.length;
      closed.session.close();
      closed.session.close();
      closed.session.reset();
      closed.session.push(new Int16Array(800), 200);

      // A call that comes later is judged later.
      await new Listening(harness).hear(new Int16Array(1_600));
      expect(closed.windows.length).toBe(before);
    },
  },
  {
    name: 'a call beyond the limit is refused, and one that ends makes room',
    check: async (harness) => {
      const calls = Array.from({ length: harness.maxSessions }, () => new Listening(harness));
      expect(() => new Listening(harness)).toThrow(expect.objectContaining({ code: 'over_capacity' }));

      calls[0]?.session.close();
      calls[0]?.session.close();
      const next = new Listening(harness);
      expect(() => new Listening(harness)).toThrow(expect.objectContaining({ code: 'over_capacity' }));
      await next.hear(SPEECH.subarray(0, 8_000));
      expect(next.windows[0]).toMatchObject({ levelDb: -100 });
    },
  },
  {
    name: 'no audio at all is no window, an empty chunk does no harm',
    check: async (harness) => {
      const call = new Listening(harness);
      call.session.push(new Int16Array(0), 5);
      await call.hear(new Int16Array(320));

      expect(call.windows.length).toBe(Math.floor(40 / harness.vad.windowMs));
    },
  },
  {
    name: 'disposing twice does no harm, and no window comes afterwards',
    check: async (harness) => {
      const call = new Listening(harness);
      call.session.push(new Int16Array(320), 40);
      await harness.vad[Symbol.asyncDispose]();
      const before = call.windows.length;
      await harness.vad[Symbol.asyncDispose]();
      call.session.push(new Int16Array(320), 80);

      expect(call.windows.length).toBe(before);
    },
  },
];

/** One call's session and the windows it was told. */
class Listening {
  readonly windows: VoiceWindow[] = [];
  readonly session: VoiceActivitySession;
  readonly #windowSamples: number;
  readonly #patienceMs: number;
  /** Samples of a window begun and not complete. */
  #unjudged = 0;
  #wake: () => void = () => {};
  clockMs: number;

  constructor({ vad, patienceMs }: VadHarness, clockMs = 0) {
    this.clockMs = clockMs;
    this.#patienceMs = patienceMs;
    this.#windowSamples = (vad.windowMs * RATE) / 1_000;
    this.session = vad.open({
      window: (window) => {
        this.windows.push(window);
        this.#wake();
      },
      restarted: () => expect.fail('the detector restarted'),
    });
  }

  /** Pushes audio in chunks, no faster than the detector judges it; returns when all whole windows are judged. */
  async hear(audio: Int16Array, chunk = FRAME): Promise<void> {
    const told = this.windows.length;
    let waiting = 0;
    for (let at = 0; at < audio.length; at += chunk) {
      const part = audio.subarray(at, at + chunk);
      this.clockMs += part.length / SAMPLES_PER_MS;
      this.session.push(part, this.clockMs);
      waiting += part.length;
      const isLast = at + part.length === audio.length;
      if (waiting < MAX_WAITING && !isLast) continue;
      waiting = 0;
      await this.until(told + Math.floor((this.#unjudged + at + part.length) / this.#windowSamples));
    }
    this.#unjudged = (this.#unjudged + audio.length) % this.#windowSamples;
  }

  reset(): void {
    this.session.reset();
    this.windows.length = 0;
    this.#unjudged = 0;
  }

  async until(count: number): Promise<void> {
    const deadline = AbortSignal.timeout(this.#patienceMs);
    while (this.windows.length < count) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        deadline.onabort = () => reject(new Error(`${this.windows.length} of ${count} windows came`));
      });
    }
  }
}

function shareVoiced(windows: readonly VoiceWindow[]): number {
  return windows.filter(({ probability }) => probability >= VOICED).length / windows.length;
}
