import { setTimeout as sleep } from 'node:timers/promises';
import type { AudioFrame } from '@assistant/server/core/audio-frame';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Baresip, startBaresip } from '../src/baresip/baresip.ts';
import { bargeInStopMs, callFigures } from '../src/phone/call-figures.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg, type SipTarget } from '../src/phone/sip-leg.ts';
import { CallerSpeech } from '../src/phone/speech.ts';
import { type CallRecord, textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

/** Phones that call the whole server directly, as the documentation says: no PBX, no carrier. */
const QUIET_MS = 1_200;
const NUMBER = '15550100';
const SAMPLE_RATE = 8_000;

let server: ServerUnderTest;
const speech = new CallerSpeech(SAMPLE_RATE);

beforeAll(async () => {
  server = await startServer({ settings: testAssistant() });
  await server.command('speech', 'install');
  await Promise.all(['billing', 'excuse me, support please'].map((text) => speech.samples(text)));
}, 180_000);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await speech[Symbol.asyncDispose]();
});

describe("Debian's baresip, registered with an assistant's id and a key", () => {
  test('its account turns green, it is greeted, "billing" is understood, and the assistant hangs up', async () => {
    await using phone = await register();

    phone.dial(`sip:${NUMBER}@${server.sip}`);
    await phone.heardOut(QUIET_MS);
    await phone.say(withSilence(await speech.samples('billing')));
    await phone.happened('CALL_CLOSED');
    const record = await recordOfLastCall();

    expect(record.call).toMatchObject({ channel: 'sip', direction: 'inbound', endReason: 'assistant_hung_up' });
    expect(record.turns[0]).toMatchObject({ role: 'assistant', text: SAID.menu, heardText: SAID.menu });
    expect(textsOf(record, 'caller')).toEqual(['billing']);
    expect(record.turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
  });

  test('its keys 1 2 # arrive once each, in their order (RFC 4733)', async () => {
    await using phone = await register();

    phone.dial(`sip:${NUMBER}@${server.sip}`);
    await phone.heardOut(QUIET_MS);
    await phone.press('3');
    await sleep(500);
    await phone.heardOut(QUIET_MS);
    await phone.press('12#');
    await phone.happened('CALL_CLOSED');
    const record = await recordOfLastCall();

    expect(record.dtmf).toBe('312#');
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.code, SAID.thanks]);
  });

  test('speaking into a sentence: the rest of it is neither spoken nor remembered', async () => {
    await using phone = await register();

    phone.dial(`sip:${NUMBER}@${server.sip}`);
    await phone.heardOut(QUIET_MS);
    await phone.press('4');
    await phone.heardVoice(3_000);
    await phone.say(withSilence(await speech.samples('excuse me, support please')));
    await sleep(700);
    await phone.heardOut(QUIET_MS);
    phone.hangUp();
    const record = await recordOfLastCall();

    const story = record.turns.find((turn) => turn.text.startsWith('Once upon a time'));
    expect(story?.wasInterrupted).toBe(true);
    expect(SAID.story.startsWith(story?.heardText ?? '-')).toBe(true);
    expect(story?.heardText).toMatch(/^Once upon a time there/);
    expect(story?.heardText).not.toContain('waited for somebody to call');
  });

  test('put on hold and taken back, the call goes on', async () => {
    await using phone = await register();

    phone.dial(`sip:${NUMBER}@${server.sip}`);
    await phone.heardOut(QUIET_MS);
    phone.hold();
    await sleep(1_000);
    phone.resume();
    await sleep(500);
    await phone.press('1');
    await phone.happened('CALL_CLOSED');
    const record = await recordOfLastCall();

    expect(record.dtmf).toBe('1');
    expect(record.call.endReason).toBe('assistant_hung_up');
  });
});

describe('our own SIP phone', () => {
  test('is greeted within a second, speaks into a sentence, and the voice stops', async () => {
    const phone = await Phone.open(new SipLeg(target()));
    const words = await speech.samples('excuse me, support please');

    await phone.heardOut(QUIET_MS);
    await phone.press('4');
    await phone.heardVoice(3_000);
    const act = await phone.say('excuse me', words);
    await phone.heardQuiet(400);
    const stopMs = bargeInStopMs(phone, act, words);
    phone.hangUp();
    const record = await recordOfLastCall();

    expect(callFigures(phone).greetingDelayMs).toBeLessThan(1_000);
    expect(stopMs).toBeLessThan(700);
    expect(record.turns.find((turn) => turn.text.startsWith('Once upon a time'))?.wasInterrupted).toBe(true);
    expect(record.call.endReason).toBe('caller_hung_up');
  });

  test('a wrong key is refused, and no call is recorded', async () => {
    const before = await server.lastContextId();

    const login = { username: server.assistantId, password: 'rpd-wrong' };
    await expect(Phone.open(new SipLeg({ ...target(), login }))).rejects.toThrow('401');

    expect(await server.lastContextId()).toBe(before);
  });
});

function target(): SipTarget {
  const [host = '', port = ''] = server.sip.split(':');
  const login = { username: server.assistantId, password: server.apiKey };
  return { host, port: Number(port), number: NUMBER, user: server.assistantId, login };
}

/** A phone whose account is green. */
async function register(): Promise<Baresip> {
  const says = withSilence(new Int16Array(0));
  const phone = await startBaresip({ target: target(), says, registerSeconds: 60 });
  await phone.registered();
  return phone;
}

/** baresip hangs up at the end of what it speaks. */
function withSilence(samples: Int16Array): AudioFrame {
  const padded = new Int16Array(samples.length + 60 * SAMPLE_RATE);
  padded.set(samples);
  return { samples: padded, sampleRate: SAMPLE_RATE };
}

async function recordOfLastCall(): Promise<CallRecord> {
  return server.endedCall(await server.lastContextId());
}
