import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesOf, EarSink, ID_FRAME, PlaneBench } from '../../test/contracts/audiosocket-plane-harness.ts';
import { Notebook } from '../../test/contracts/media-harness.ts';
import { concat } from '../../test/signals/signals.ts';
import { dtmfTones } from '../audio/dtmf-tones.ts';
import { readWav } from '../audio/wav.ts';
import { serialiseFrame } from '../protocols/audiosocket/frame.ts';
import { InBandKeys } from './in-band-keys.ts';

/** A live call at 8 kHz with its notebook. */
async function call() {
  const bench = new PlaneBench();
  const leg = bench.accept(new EarSink());
  const send = (...frames: Buffer[]) => leg?.receive(Buffer.concat(frames), bench.clock.nowMs());
  send(ID_FRAME, serialiseFrame(0x10, Buffer.alloc(320)));
  await bench.pass(20);
  const notes = new Notebook();
  bench.arrivals[0]?.media.listen(notes);
  return { bench, send, notes };
}

describe('keys in the audio', () => {
  const key = (digit: string) => serialiseFrame(0x03, Buffer.from(digit));
  const speech = readWav(readFileSync(new URL('../../test/fixtures/speech-slt.wav', import.meta.url))).samples;

  async function hear({ bench, send }: Awaited<ReturnType<typeof call>>, samples: Int16Array): Promise<void> {
    for (let at = 0; at < samples.length; at += 160) {
      send(serialiseFrame(0x10, bytesOf(samples.slice(at, at + 160))));
      await bench.pass(20);
    }
  }

  test('are told when the peer tells none itself, speech around them is no key', async () => {
    const phone = await call();

    await hear(phone, concat(speech, dtmfTones('19#', { sampleRate: 8000 }), speech));

    expect(phone.notes.digits).toEqual(['1', '9', '#']);
  });

  test('are told once when the peer tells them too, and not listened to any more', async () => {
    const phone = await call();

    for (const digit of ['5', '5', '7']) {
      await hear(phone, dtmfTones(digit, { sampleRate: 8000 }));
      phone.send(key(digit));
      await phone.bench.pass(20);
    }

    expect(phone.notes.digits).toEqual(['5', '5', '7']);
  });

  test('of a peer that has told one before are not listened to', async () => {
    const phone = await call();
    phone.send(key('1'));

    await hear(phone, dtmfTones('22', { sampleRate: 8000 }));

    expect(phone.notes.digits).toEqual(['1']);
  });

  test('a key told long after the tone of the same key is another one', async () => {
    const phone = await call();

    await hear(phone, dtmfTones('5', { sampleRate: 8000 }));
    await hear(phone, new Int16Array(8000 * 1.2));
    phone.send(key('5'));
    await phone.bench.pass(20);

    expect(phone.notes.digits).toEqual(['5', '5']);
  });
});

test('a key of 40 ms is told once wherever in a frame it begins, after a loud hum that is passed over', () => {
  const hum = Int16Array.from({ length: 1_600 }, (_, index) =>
    Math.round(12_000 * Math.sin((index * 2 * Math.PI) / 66)),
  );
  const told = Array.from({ length: 160 }, (_, offset) => {
    const keys = new InBandKeys(8_000);
    const audio = concat(hum.slice(0, 800 + offset), dtmfTones('5', { sampleRate: 8_000, toneMs: 40 }), hum);
    let digits = '';
    for (let at = 0; at + 160 <= audio.length; at += 160) {
      digits += keys.listenTo(bytesOf(audio.slice(at, at + 160)), 0, 320, at / 8);
    }
    return digits;
  });

  expect(told).toEqual(Array(160).fill('5'));
});
