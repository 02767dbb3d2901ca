import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { callLocally } from '../src/asterisk/local-caller.ts';
import { levelDbfs } from '../src/audio/level.ts';
import { startBaresip } from '../src/baresip/baresip.ts';
import { bargeInStopMs, callFigures, type Intervals, intervals } from '../src/phone/call-figures.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import { CallerSpeech } from '../src/phone/speech.ts';
import { type CallRecord, textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

/** The caller is asked after this, and given up after as much again. */
const IDLE_MS = 6_000;
const QUIET_MS = 1_200;

let server: ServerUnderTest;
let asterisk: Asterisk;
const speech = new CallerSpeech(8_000);

beforeAll(async () => {
  server = await startServer({ settings: testAssistant({ idleAskMs: IDLE_MS, idleGoodbyeMs: IDLE_MS }) });
  await server.command('speech', 'install');
  asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    sip: server.sip,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  // Made now, so that no call waits for a sound.
  await Promise.all(['billing', 'excuse me, support please'].map((text) => speech.samples(text)));
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await speech[Symbol.asyncDispose]();
});

describe('a phone on a real Asterisk 22 calls through AudioSocket()', () => {
  test('the call is answered and greeted, and the record says what was heard', async () => {
    const phone = await dial('1001');

    await phone.heardOut(QUIET_MS);
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(callFigures(phone).greetingDelayMs).toBeLessThan(2_000);
    expect(record.turns[0]).toMatchObject({ role: 'assistant', text: SAID.menu, heardText: SAID.menu });
    expect(record.call).toMatchObject({
      channel: 'asterisk',
      direction: 'inbound',
      from: '15551234',
      status: 'ended',
      endReason: 'caller_hung_up',
    });
  });

  test('"billing" is understood, the goodbye is heard to its end, then the assistant hangs up', async () => {
    const phone = await dial('1001');

    await phone.heardOut(QUIET_MS);
    const act = await phone.say('billing', await speech.samples('billing'));
    const end = await phone.heardHangUp(20_000);
    const record = await recordOfLastCall();

    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(textsOf(record, 'caller')).toEqual(['billing']);
    expect(record.turns.at(-1)).toMatchObject({ role: 'assistant', text: SAID.billing, heardText: SAID.billing });
    expect(record.call.endReason).toBe('assistant_hung_up');
    expect(voicedMsAfter(phone, act.endedAtMs)).toBeGreaterThan(2_000);
    expect(quietMsBeforeEnd(phone)).toBeLessThan(1_500);
  });

  test('a caller who speaks into a sentence is heard, and the rest of it is neither spoken nor remembered', async () => {
    const phone = await dial('1001');
    const words = await speech.samples('excuse me, support please');

    await phone.heardOut(QUIET_MS);
    await phone.press('4');
    await phone.heardVoice(3_000);
    const act = await phone.say('excuse me', words);
    await phone.heardQuiet(400);
    const stopMs = bargeInStopMs(phone, act, words);
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(stopMs).toBeLessThan(700);
    const story = record.turns.find((turn) => turn.text.startsWith('Once upon a time'));
    expect(story?.wasInterrupted).toBe(true);
    expect(SAID.story.startsWith(story?.heardText ?? '-')).toBe(true);
    expect(story?.heardText).toMatch(/^Once upon a time there/);
    expect(story?.heardText).not.toContain('lit a lamp');
  });

  test('the keys 1 2 # arrive in their order', async () => {
    const phone = await dial('1001');

    await phone.heardOut(QUIET_MS);
    await phone.press('3');
    await phone.heardOut(QUIET_MS);
    await phone.press('12#');
    await phone.heardHangUp(15_000);
    const record = await recordOfLastCall();

    expect(record.dtmf).toBe('312#');
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.code, SAID.thanks]);
  });

  test('a caller who stays silent is asked once, then told goodbye', async () => {
    const phone = await dial('1001');

    const end = await phone.heardHangUp(45_000);
    const record = await recordOfLastCall();

    expect(end.by).toBe('far end');
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.idleQuestion, SAID.idleGoodbye]);
    expect(record.turns.at(-1)?.heardText).toBe(SAID.idleGoodbye);
    expect(record.call.endReason).toBe('idle');
  });

  // The machine itself makes bursts when others work on it: a tone on Asterisk's own clock, heard by the same process at the
  // same time, tells how many.
  test('RTP towards the phone comes every 20 ms: p50 20 ms, at most 5 packets under 5 ms, none lost', async () => {
    const leg = new SipLeg(asterisk.phoneTo('1001'));
    const phone = await Phone.open(leg);
    await phone.heardOut(QUIET_MS);
    await phone.press('4');
    await phone.heardVoice(200);
    const tone = await dial('tone');
    const fromMs = tone.openedAtMs + 200;

    await phone.heardVoice(10_000, 30_000);
    phone.hangUp();
    tone.hangUp();
    const ours = arrivalsFrom(phone, fromMs);
    const machine = arrivalsFrom(tone, fromMs);

    expect(ours.count).toBeGreaterThan(450);
    expect(ours.p50Ms).toBeGreaterThan(19.5);
    expect(ours.p50Ms).toBeLessThanOrEqual(20.5);
    expect(ours.bursts).toBeLessThanOrEqual(5 + 2 * machine.bursts);
    expect(leg.lostPackets).toBe(0);
  });
});

describe('a SIP phone that is none of ours', () => {
  test("Debian's baresip is greeted, its key is taken, and it hears the goodbye", async () => {
    const says = { samples: new Int16Array(480_000), sampleRate: 8_000 };
    await using phone = await startBaresip({ target: asterisk.phoneTo('1001'), says });

    phone.dial(`sip:1001@127.0.0.1:${asterisk.ports.sip}`);
    await phone.happened('CALL_ESTABLISHED');
    await phone.press('1');
    await phone.happened('CALL_CLOSED', 30_000);
    const heard = await phone.heard();
    const record = await recordOfLastCall();

    expect(record.dtmf).toBe('1');
    expect(record.turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
    expect(record.call.endReason).toBe('assistant_hung_up');
    expect(levelDbfs(heard.samples)).toBeGreaterThan(-40);
  });
});

describe('the error branch of the dialplan', () => {
  test.each([
    ['a wrong key', '1401'],
    ['an assistant that does not exist', '1404'],
    ['an id that is none', '1422'],
  ])('%s: the caller hears that an error has occurred', async (_name, number) => {
    const phone = await dial(number);

    const end = await phone.heardHangUp();

    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(callFigures(phone).voicedMs).toBeGreaterThan(800);
    expect(await asterisk.log()).toContain(`[1555${number}@rapida-inbound:8] Playback`);
  });
});

describe("callers made of Asterisk's own applications", () => {
  test('a number with a plus, and keys pressed into the greeting', async () => {
    const { heard } = await callLocally(asterisk, {
      number: '1001',
      steps: ['Playback(silence/2)', 'SendDTMF(2,120,120)', 'Playback(silence/4)'],
      callerId: '"Bob" <+15559876>',
    });
    const record = await recordOfLastCall();

    expect(record.call.from).toBe('+15559876');
    expect(record.dtmf).toBe('2');
    expect(textsOf(record, 'assistant').at(-1)).toContain(SAID.support);
    expect(levelDbfs(heard.samples)).toBeGreaterThan(-40);
  });

  test('a caller without a number is served', async () => {
    await callLocally(asterisk, { number: '1001', steps: ['Playback(silence/4)'], callerId: '' });
    const record = await recordOfLastCall();

    expect(record.call.from).toBeNull();
    expect(record.turns[0]?.heardText).not.toBe('');
  });

  test('Dial(AudioSocket/...) carries a call too', async () => {
    await callLocally(asterisk, { number: '4001', steps: ['Playback(silence/4)'] });
    const record = await recordOfLastCall();

    expect(record.turns[0]?.heardText).not.toBe('');
    expect(record.call.endReason).toBe('caller_hung_up');
  });
});

function dial(number: string): Promise<Phone> {
  return Phone.open(new SipLeg(asterisk.phoneTo(number)));
}

async function recordOfLastCall(): Promise<CallRecord> {
  return server.endedCall(await server.lastContextId());
}

function arrivalsFrom(phone: Phone, fromMs: number): Intervals {
  return intervals(phone.heard.frames.map((frame) => frame.atMs).filter((atMs) => atMs >= fromMs));
}

function voicedMsAfter(phone: Phone, fromMs: number): number {
  return phone.heard.frames.filter((frame) => frame.atMs > fromMs && frame.dbfs > -50).length * 20;
}

function quietMsBeforeEnd(phone: Phone): number {
  const lastVoice = phone.heard.frames.findLast((frame) => frame.dbfs > -50);
  return (phone.endedAtMs ?? 0) - (lastVoice?.atMs ?? 0);
}
