import { describe, expect, test } from 'vitest';
import { fakeCarrier } from '../../../test/api/fake-carriers.ts';
import { CONTEXT } from '../../../test/fakes/call-world.ts';
import { FakeClock, settle } from '../../../test/fakes/fake-clock.ts';
import type { OpenCredential } from '../../core/credential/credential.ts';
import type { CredentialId } from '../../core/ids.ts';
import type { TransferOrder } from '../../core/ports/call-transfer.ts';
import type { WebhookRequest } from '../../core/ports/channel.ts';
import { readDialResult, transferTwiml, twilioTransfer } from './transfer.ts';

const VALUES: Readonly<Record<string, string>> = { account_sid: 'AC1', account_token: 'secret' };
const CREDENTIAL: OpenCredential = {
  id: 'c' as CredentialId,
  projectId: CONTEXT.projectId,
  provider: 'twilio',
  text: (key) => VALUES[key] ?? null,
  list: () => [],
};
const ORDER: TransferOrder = {
  context: { ...CONTEXT, channel: 'twilio', providerCallId: 'CA1', from: '+15551002', to: '+14155550100' },
  credential: CREDENTIAL,
  settings: {},
  to: '+14155552671',
  ringTimeoutSeconds: 25,
  publicHost: 'voice.example.com',
};

const aborted = () => {
  const caller = new AbortController();
  caller.abort();
  return caller.signal;
};

describe('the document that dials', () => {
  test('is this one', () => {
    expect(transferTwiml(ORDER)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Dial action="https://voice.example.com/v1/talk/twilio/ctx/11111111-2222-4333-8444-555555555555/event" method="POST" timeout="25" callerId="+15551002">
    <Number>+14155552671</Number>
  </Dial>
</Response>
`);
  });

  test('escapes whatever is put into it', () => {
    const twiml = transferTwiml({ ...ORDER, to: '"><Hangup/>&', publicHost: 'a"&<' });

    expect(twiml).toContain('<Number>&quot;&gt;&lt;Hangup/&gt;&amp;</Number>');
    expect(twiml).toContain('action="https://a&quot;&amp;&lt;/v1/');
  });

  test('shows the caller, else our own number, else what Twilio chooses', () => {
    const shown = (from: string | null, to: string | null, direction: 'inbound' | 'outbound' = 'inbound') =>
      /callerId="([^"]*)"/.exec(transferTwiml({ ...ORDER, context: { ...ORDER.context, from, to, direction } }))?.[1];

    expect(shown(null, '+14155550100')).toBe('+14155550100');
    expect(shown('sip:anna@example.com', '+14155550100')).toBe('+14155550100');
    expect(shown('+14155550100', '+15551002', 'outbound')).toBe('+14155550100');
    expect(shown(null, 'sip:a@b')).toBeUndefined();
  });
});

describe('objections', () => {
  const objection = (change: Partial<TransferOrder>) =>
    twilioTransfer({ clock: new FakeClock() }).objection({ ...ORDER, ...change });

  test('there is none where host, account and call id are known', () => {
    expect(objection({})).toBeNull();
    expect(objection({ publicHost: null })).toContain('PUBLIC_ASSISTANT_HOST');
    expect(objection({ credential: null })).toContain('account');
    expect(objection({ context: { ...ORDER.context, providerCallId: null } })).toContain('CallSid');
  });
});

describe('asking Twilio', () => {
  test('resolves when the stream ended, at the latest 3 s after the answer', async () => {
    await using carrier = await fakeCarrier(() => ({ status: 200, body: {} }));
    const clock = new FakeClock();
    const transfer = twilioTransfer({ clock }, carrier.url);
    const caller = new AbortController();
    const answered = async () => {
      while (clock.pendingTimers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    };

    const ended = transfer.transfer(ORDER, caller.signal);
    await answered();
    caller.abort();
    expect(await ended).toEqual({ type: 'handed_over' });
    expect(clock.pendingTimers).toBe(0);

    const stays = transfer.transfer(ORDER, new AbortController().signal);
    await answered();
    await clock.run(3_000, 1_000);
    await settle();
    expect(await stays).toEqual({ type: 'handed_over' });
  });

  test('an answer that is lost was a handover if our stream ended, else a failure', async () => {
    const caller = new AbortController();
    await using lost = await fakeCarrier(() => {
      caller.abort();
      return 'hang_up';
    });
    await using dropped = await fakeCarrier(() => 'hang_up');
    const over = (url: string) => twilioTransfer({ clock: new FakeClock() }, url);

    expect(await over(lost.url).transfer(ORDER, caller.signal)).toEqual({ type: 'handed_over' });
    expect(await over(dropped.url).transfer(ORDER, new AbortController().signal)).toMatchObject({
      type: 'failed',
      reason: 'unreachable',
    });
  });

  test('nobody is asked for a caller who is gone', async () => {
    await using carrier = await fakeCarrier(() => ({ status: 200, body: {} }));

    const outcome = await twilioTransfer({ clock: new FakeClock() }, carrier.url).transfer(ORDER, aborted());

    expect(outcome).toMatchObject({ type: 'failed', reason: 'cancelled' });
    expect(carrier.requests).toEqual([]);
  });
});

test('words that nobody knows are a failure, never a connection', () => {
  const read = (DialCallStatus: string) =>
    readDialResult({ parameters: { DialCallStatus, CallStatus: 'in-progress' } } as unknown as WebhookRequest);

  expect(read('constructor')).toEqual({ type: 'transfer_over', failed: 'unreachable', isCallerWaiting: true });
  expect(read('')).toMatchObject({ failed: 'unreachable' });
});
