import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { bargeInStopMs, callFigures } from '../src/phone/call-figures.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import { CallerSpeech } from '../src/phone/speech.ts';
import { type CallRecord, textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

const QUIET_MS = 1_200;
/** A caller who interrupts is heard after the recogniser's 350 ms of voice; the rest is our own way to silence. */
const STOP_WITHIN_MS = 700;

let server: ServerUnderTest;
let asterisk: Asterisk;
const speech = new CallerSpeech(8_000);

beforeAll(async () => {
  server = await startServer({ settings: testAssistant() });
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

describe.each([
  ['plain text, μ-law', '2001'],
  ['JSON, μ-law', '2101'],
  ['JSON, linear at 16 kHz', '2201'],
  ['plain text, A-law', '2301'],
])('a phone on a real Asterisk 22 calls through Dial(WebSocket/...), %s', (_name, number) => {
  test('it is greeted, its keys arrive, the goodbye is heard to its end, and the record says so', async () => {
    const phone = await dial(number);

    await phone.heardOut(QUIET_MS);
    await phone.press('3');
    await phone.heardOut(QUIET_MS);
    await phone.press('12#');
    const end = await phone.heardHangUp(20_000);
    const record = await recordOfLastCall();
    const figures = callFigures(phone);
    console.log(`${number}: greeting after ${figures.greetingDelayMs} ms, frames ${JSON.stringify(figures.intervals)}`);

    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(figures.greetingDelayMs).toBeLessThan(2_000);
    expect(record.dtmf).toBe('312#');
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.code, SAID.thanks]);
    expect(record.turns.every((turn) => turn.role !== 'assistant' || turn.heardText === turn.text)).toBe(true);
    expect(record.call).toMatchObject({ channel: 'asterisk', status: 'ended', endReason: 'assistant_hung_up' });
    expect(quietMsBeforeEnd(phone)).toBeLessThan(1_500);
  });

  test('who speaks into a sentence stops it, and the record holds no word that was not heard', async () => {
    const phone = await dial(number);
    const words = await speech.samples('excuse me, support please');

    await phone.heardOut(QUIET_MS);
    await phone.press('4');
    await phone.heardVoice(3_000);
    const act = await phone.say('excuse me', words);
    await phone.heardQuiet(400);
    // Asterisk sends no RTP while its queue is empty: only the end of the call tells how long it was quiet.
    phone.hangUp();
    await phone.ended;
    const stopMs = bargeInStopMs(phone, act, words);
    console.log(`${number}: silent ${stopMs} ms after the caller's voice began`);
    const record = await recordOfLastCall();

    expect(stopMs).toBeLessThan(STOP_WITHIN_MS);
    const story = record.turns.find((turn) => turn.text.startsWith('Once upon a time'));
    expect(story?.wasInterrupted).toBe(true);
    expect(SAID.story.startsWith(story?.heardText ?? '-')).toBe(true);
    expect(story?.heardText).toMatch(/^Once upon a time there/);
    expect(story?.heardText).not.toContain('lit a lamp');
  });
});

describe('a real Asterisk 22, by chan_websocket', () => {
  test('"billing" is understood at 16 kHz', async () => {
    const phone = await dial('2201');

    await phone.heardOut(QUIET_MS);
    await phone.say('billing', await speech.samples('billing'));
    await phone.heardHangUp(20_000);
    const record = await recordOfLastCall();

    expect(textsOf(record, 'caller')).toEqual(['billing']);
    expect(record.turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
  });

  test('the caller hangs up in a sentence: the call ends at once, as the caller had it', async () => {
    const phone = await dial('2001');

    await phone.heardVoice(500);
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(record.call.endReason).toBe('caller_hung_up');
  });

  test.each([
    ['that waits to be answered, option n', '2501'],
    ['named by the channel variable RAPIDA_CONTEXT_ID', '2601'],
  ])('a call %s is greeted', async (_what, number) => {
    const phone = await dial(number);

    await phone.heardOut(QUIET_MS);
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(record.turns[0]).toMatchObject({ role: 'assistant', text: SAID.menu, heardText: SAID.menu });
  });

  test('a codec that cannot be touched is refused, and the dialplan goes on', async () => {
    const phone = await dial('2401');

    await phone.heardHangUp();

    await expect.poll(() => server.output).toContain('asterisk.format_refused');
  });

  test('frames reach the phone every 20 ms, none lost', async () => {
    const leg = new SipLeg(asterisk.phoneTo('2001'));
    const phone = await Phone.open(leg);

    await phone.heardOut(QUIET_MS);
    await phone.press('4');
    await phone.heardVoice(8_000, 30_000);
    phone.hangUp();
    const { intervals } = callFigures(phone);
    console.log(JSON.stringify(intervals));

    expect(intervals.p50Ms).toBeGreaterThanOrEqual(19.9);
    expect(intervals.p50Ms).toBeLessThanOrEqual(20.5);
    expect(leg.lostPackets).toBe(0);
  });

  test('none of it lost a mark, drifted, or was done without marks', async () => {
    const { values } = await server.metrics();

    const troubles = [...values].filter(([sample]) =>
      /stream_(lost_marks|drift|without_marks|malformed)_total/.test(sample),
    );
    expect(troubles, server.output).toEqual([]);
  });
});

function dial(number: string): Promise<Phone> {
  return Phone.open(new SipLeg(asterisk.phoneTo(number)));
}

async function recordOfLastCall(): Promise<CallRecord> {
  return server.endedCall(await server.lastContextId());
}

function quietMsBeforeEnd(phone: Phone): number {
  const lastVoice = phone.heard.frames.findLast((frame) => frame.dbfs > -50);
  return (phone.endedAtMs ?? 0) - (lastVoice?.atMs ?? 0);
}
