import { describe, expect, test } from 'vitest';
import { AudioSocketDouble, type DoubleScript } from '../doubles/audiosocket-server.ts';
import { AudioSocketLeg } from './audiosocket-leg.ts';
import { bargeInStopMs, callFigures } from './call-figures.ts';
import { Phone } from './phone.ts';

const CONTEXT_ID = '11111111-2222-4333-8444-555555555555';
const LOUD = new Int16Array(160).fill(8_000);
const SILENT = new Int16Array(160);

describe('a phone over AudioSocket', () => {
  test('the id goes out once in binary, then a frame every tick from the first on, then keys in order', async () => {
    await using server = await AudioSocketDouble.start(() => null);
    const phone = await dial(server);

    await phone.say('hello', new Int16Array(400).fill(5));
    await phone.press('12#');
    phone.hangUp();
    await until(() => server.calls[0]?.hasEnded);

    const [call] = server.calls;
    expect(call?.id).toBe('11111111222243338444555555555555');
    expect(call?.keys).toBe('12#');
    const spoken = call?.audio.findIndex((frame) => frame[0] === 5) ?? -1;
    // 400 samples are two and a half frames: the third is filled up with silence.
    expect(call?.audio.slice(spoken, spoken + 4).map((frame) => [frame[79], frame[159]])).toEqual([
      [5, 5],
      [5, 5],
      [5, 0],
      [0, 0],
    ]);
  });

  test('a greeting is measured from the open line to the first frame that is no silence', async () => {
    await using server = await AudioSocketDouble.start((tick) => (tick >= 10 && tick < 40 ? LOUD : SILENT));
    const phone = await dial(server);

    await phone.heardOut(200);
    phone.hangUp();
    const figures = callFigures(phone);

    expect(figures.voicedMs).toBe(600);
    expect(figures.voiceDbfs).toBeCloseTo(-12.25, 1);
    expect(figures.peakDbfs).toBeCloseTo(-12.25, 1);
    expect(figures.greetingDelayMs).toBeGreaterThan(190);
  });

  test('speaking into the other side: the time until it is silent is told', async () => {
    const script: DoubleScript = (_tick, call) => (call.audio.some((frame) => frame[0] === 9_000) ? SILENT : LOUD);
    await using server = await AudioSocketDouble.start(script);
    const phone = await dial(server);
    const sound = new Int16Array(8_000).fill(9_000);

    await phone.heardVoice(200);
    const act = await phone.say('stop', sound);
    await phone.heardQuiet(500);
    phone.hangUp();

    expect(bargeInStopMs(phone, act, sound)).toBeGreaterThanOrEqual(0);
    expect(bargeInStopMs(phone, act, sound)).toBeLessThan(500);
  });

  test('another side that never stops is told as such', async () => {
    await using server = await AudioSocketDouble.start(() => LOUD);
    const phone = await dial(server);
    const sound = new Int16Array(1_600).fill(9_000);

    const act = await phone.say('stop', sound);
    await phone.stay(300);
    phone.hangUp();

    expect(bargeInStopMs(phone, act, sound)).toBeUndefined();
  });

  test('a hangup frame, a bare end and our own end are told apart', async () => {
    await using polite = await AudioSocketDouble.start((tick) => (tick === 3 ? 'hang up' : SILENT));
    await using blunt = await AudioSocketDouble.start((tick) => (tick === 3 ? 'close' : SILENT));
    await using patient = await AudioSocketDouble.start(() => SILENT);
    const own = await dial(patient);

    const ends = [await (await dial(polite)).ended, await (await dial(blunt)).ended];
    own.hangUp();

    expect([...ends, await own.ended]).toEqual([
      { by: 'far end', how: 'hung up' },
      { by: 'far end', how: 'closed the connection without a hangup frame' },
      { by: 'us', how: 'closed the connection' },
    ]);
  });

  test.each([
    ['a digit', Buffer.from('03000131', 'hex'), 'a frame of kind 0x03 with 1 bytes: Asterisk drops the call'],
    [
      'an empty audio frame',
      Buffer.from('100000', 'hex'),
      'a frame of kind 0x10 with 0 bytes: Asterisk drops the call',
    ],
  ])('%s from the server is the fault that Asterisk makes of it', async (_name, frame, how) => {
    await using server = await AudioSocketDouble.start((tick) => (tick === 2 ? frame : SILENT));
    const phone = await dial(server);

    expect(await phone.ended).toEqual({ by: 'fault', how });
  });

  test('a wait ends with the call, and says which', async () => {
    await using server = await AudioSocketDouble.start((tick) => (tick === 3 ? 'hang up' : SILENT));
    const phone = await dial(server);

    await expect(phone.heardVoice(60)).rejects.toThrow(
      'the call ended (far end hung up) while waiting for 60 ms of voice',
    );
  });

  test('without a server the address and the reason are named', async () => {
    const leg = new AudioSocketLeg({ host: '127.0.0.1', port: 1, contextId: CONTEXT_ID });

    await expect(Phone.open(leg)).rejects.toThrow('no AudioSocket server at 127.0.0.1:1: connect ECONNREFUSED');
  });
});

function dial(server: AudioSocketDouble): Promise<Phone> {
  return Phone.open(new AudioSocketLeg({ host: '127.0.0.1', port: server.port, contextId: CONTEXT_ID }));
}

async function until(isTrue: () => boolean | undefined): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}
