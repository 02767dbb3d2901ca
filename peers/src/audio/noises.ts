import { atLevel } from './level.ts';

/** All noises are made for this rate, Hz. */
const RATE = 8_000;
const NOISE_DBFS = -22;

type Random = () => number;

/**
 * A cough: two or three bursts of noise, each with an attack of 4 ms and a decay of 25-45 ms, coloured by three resonances of
 * the open mouth (around 500, 1,400 and 2,500 Hz, 20 % apart from cough to cough). 250-450 ms in all, no pitch.
 */
export function cough(random: Random): Int16Array {
  const bursts = 2 + Math.floor(random() * 2);
  const parts: Float64Array[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    const decayMs = 25 + 20 * random();
    const strength = burst === 0 ? 1 : 0.3 + 0.4 * random();
    parts.push(
      shaped(samplesOf(110 + 40 * random()), (ms) => strength * Math.min(1, ms / 4) * Math.exp(-ms / decayMs)),
    );
  }
  const envelope = joined(parts);
  const breath = envelope.map((gain) => gain * (2 * random() - 1));
  const vary = () => 0.8 + 0.4 * random();
  const voices = [500 * vary(), 1_400 * vary(), 2_500 * vary()].map((hz) => resonance(breath, hz, 250));
  return loud(mixed(voices), NOISE_DBFS);
}

/** A click of the line or of a handset: one to three impulses of 2-5 ms, 30-60 ms apart, each ringing at 1-3 kHz. */
export function click(random: Random): Int16Array {
  const count = 1 + Math.floor(random() * 3);
  const parts: Float64Array[] = [];
  for (let index = 0; index < count; index++) {
    const hz = 1_000 + 2_000 * random();
    const decayMs = 1 + 2 * random();
    parts.push(
      shaped(samplesOf(30 + 30 * random()), (ms) => Math.exp(-ms / decayMs) * Math.sin((2 * Math.PI * hz * ms) / 1000)),
    );
  }
  return loud(joined(parts), -28);
}

/** A key of a phone heard as sound (ITU-T Q.23): two tones of equal level, 80-160 ms, 3 ms ramps. */
export function keypadTone(random: Random): Int16Array {
  const low = [697, 770, 852, 941][Math.floor(random() * 4)] as number;
  const high = [1_209, 1_336, 1_477][Math.floor(random() * 3)] as number;
  const lengthMs = 80 + 80 * random();
  const tone = shaped(samplesOf(lengthMs), (ms) => {
    const phase = (2 * Math.PI * ms) / 1000;
    return (Math.sin(low * phase) + Math.sin(high * phase)) * Math.min(1, ms / 3, (lengthMs - ms) / 3);
  });
  return loud(tone, -16);
}

/**
 * A grunt ("uh", "mm") of exactly 200 ms: glottal pulses that fall from 110-190 Hz by a tenth, through the first three
 * formants of a schwa (500, 1,500, 2,500 Hz) or of a hum (250, 1,100, 2,200 Hz); 20 ms to rise, 50 ms to fall.
 */
export function grunt(random: Random): Int16Array {
  const startHz = 110 + 80 * random();
  const formants = random() < 0.5 ? [500, 1_500, 2_500] : [250, 1_100, 2_200];
  let phase = 0;
  const pulses = shaped(samplesOf(200), (ms) => {
    phase += (startHz * (1 - (0.1 * ms) / 200)) / RATE;
    const isPulse = phase >= 1;
    if (isPulse) phase -= 1;
    return (isPulse ? 1 : 0) * Math.min(1, ms / 20, (200 - ms) / 50);
  });
  const voices = formants.map((hz, index) =>
    resonance(pulses, hz, 80 + 40 * index).map((value) => value / (index + 1)),
  );
  return loud(mixed(voices), NOISE_DBFS);
}

function samplesOf(ms: number): number {
  return Math.round((ms * RATE) / 1000);
}

function shaped(count: number, valueAt: (ms: number) => number): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => valueAt((index * 1000) / RATE));
}

function joined(parts: readonly Float64Array[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

function mixed(voices: readonly Float64Array[]): Float64Array {
  const [first = new Float64Array(0), ...rest] = voices;
  return first.map((value, index) => rest.reduce((sum, voice) => sum + (voice[index] as number), value));
}

/** A two-pole resonator at a frequency, with a bandwidth in Hz. */
function resonance(input: Float64Array, hz: number, bandwidth: number): Float64Array {
  const radius = Math.exp((-Math.PI * bandwidth) / RATE);
  const feedback = 2 * radius * Math.cos((2 * Math.PI * hz) / RATE);
  let before = 0;
  let beforeThat = 0;
  return input.map((value) => {
    const next = (1 - radius) * value + feedback * before - radius ** 2 * beforeThat;
    beforeThat = before;
    before = next;
    return next;
  });
}

/** Samples at an RMS level over their length, in dBFS. */
function loud(signal: Float64Array, dbfs: number): Int16Array {
  const peak = signal.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  return atLevel(
    Int16Array.from(signal, (value) => Math.round((value / peak) * 20_000)),
    dbfs,
  );
}
