import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { startBaresip } from '../src/baresip/baresip.ts';
import { bargeInStopMs, callFigures } from '../src/phone/call-figures.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import { CallerSpeech } from '../src/phone/speech.ts';
import { type CallRecord, textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

/** A phone on a real Asterisk 22 calls through the pjsip trunk of docs/channels/sip.md: digest, the number dialled is any. */
const QUIET_MS = 1_200;
const TRUNK = '3001';
const TRUNK_BY_SHA_256 = '3101';

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
  await Promise.all(['billing', 'excuse me, support please'].map((text) => speech.samples(text)));
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await speech[Symbol.asyncDispose]();
});

describe('a phone on Asterisk calls through the SIP trunk', () => {
  test('it is greeted; "billing" is understood, the goodbye is heard to its end, then the assistant hangs up', async () => {
    const leg = new SipLeg(asterisk.phoneTo(TRUNK));
    const phone = await Phone.open(leg);

    await phone.heardOut(QUIET_MS);
    await phone.say('billing', await speech.samples('billing'));
    const end = await phone.heardHangUp(20_000);
    const record = await recordOfLastCall();

    expect(end).toEqual({ by: 'far end', how: 'hung up' });
    expect(callFigures(phone).greetingDelayMs).toBeLessThan(2_000);
    expect(record.call).toMatchObject({ channel: 'sip', from: '15551234', endReason: 'assistant_hung_up' });
    expect(record.turns[0]).toMatchObject({ role: 'assistant', text: SAID.menu, heardText: SAID.menu });
    expect(textsOf(record, 'caller')).toEqual(['billing']);
    expect(record.turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
    expect(leg.lostPackets).toBe(0);
  });

  test('a caller who speaks into a sentence is heard, and the rest of it is neither spoken nor remembered', async () => {
    const phone = await dial();
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
    expect(story?.heardText).not.toContain('lit a lamp');
    expect(record.call.endReason).toBe('caller_hung_up');
  });

  test('the keys 1 2 # arrive in their order', async () => {
    const phone = await dial();

    await phone.heardOut(QUIET_MS);
    await phone.press('3');
    await phone.heardOut(QUIET_MS);
    await phone.press('12#');
    await phone.heardHangUp(15_000);
    const record = await recordOfLastCall();

    expect(record.dtmf).toBe('312#');
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.code, SAID.thanks]);
  });

  test('a trunk that answers SHA-256 challenges only', async () => {
    const phone = await dial(TRUNK_BY_SHA_256);

    await phone.heardVoice(200);
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(record.call).toMatchObject({ channel: 'sip', endReason: 'caller_hung_up' });
    expect(await asterisk.cli('pjsip show auths')).toContain('rapida-trunk-sha256-auth');
  });

  // Whether baresip 1.0.0 hears it is chance: it throws away what comes with sequence numbers behind those of the source before.
  test('Asterisk steps out of the way of the audio by re-INVITE: the phone reaches us without it', async () => {
    const { login } = asterisk.phoneTo(TRUNK);
    const user = 'direct-phone';
    const target = { ...asterisk.phoneTo(TRUNK), user, login: { username: user, password: login?.password ?? '' } };
    const says = { samples: new Int16Array(480_000), sampleRate: 8_000 };
    await using phone = await startBaresip({ target, says });

    phone.dial(`sip:${TRUNK}@127.0.0.1:${asterisk.ports.sip}`);
    await phone.happened('CALL_ESTABLISHED');
    await expect.poll(() => asterisk.cli('bridge show all'), { timeout: 5_000 }).toContain('native_rtp');
    await phone.press('1');
    await phone.happened('CALL_CLOSED');
    const record = await recordOfLastCall();

    expect(record.dtmf).toBe('1');
    expect(record.turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
    expect(record.call.endReason).toBe('assistant_hung_up');
  });
});

function dial(number = TRUNK): Promise<Phone> {
  return Phone.open(new SipLeg(asterisk.phoneTo(number)));
}

async function recordOfLastCall(): Promise<CallRecord> {
  return server.endedCall(await server.lastContextId());
}
