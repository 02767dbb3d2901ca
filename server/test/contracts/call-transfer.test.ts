import { generateKeyPairSync } from 'node:crypto';
import { exotelTransfer } from '@assistant/server/channels/exotel/transfer';
import { twilioTransfer } from '@assistant/server/channels/twilio/transfer';
import { vonageTransfer } from '@assistant/server/channels/vonage/transfer';
import type { ChannelName } from '@assistant/server/core/call/call';
import type { OpenCredential } from '@assistant/server/core/credential/credential';
import type { CredentialId } from '@assistant/server/core/ids';
import type { CallTransfer, TransferOrder } from '@assistant/server/core/ports/call-transfer';
import { describe, expect, test } from 'vitest';
import { fakeCarrier } from '../api/fake-carriers.ts';
import { CONTEXT } from '../fakes/call-world.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import {
  type CallTransferSubject,
  callTransferContract,
  callTransferPromises,
  type PeerDeed,
} from './call-transfer.ts';
import { brokenPromises, type Opened } from './contract.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const VALUES: Readonly<Record<string, string>> = {
  account_sid: 'AC1',
  account_token: 'a-token',
  application_id: 'app-1',
  private_key: privateKey,
};

type Make = (clock: FakeClock, baseUrl: string) => CallTransfer;

/** @param taken what the carrier answers when it takes the order. */
async function over(channel: ChannelName, make: Make, taken: number): Promise<Opened<CallTransferSubject>> {
  let deed: PeerDeed = { type: 'takes' };
  const carrier = await fakeCarrier(() => {
    if (deed.type === 'hang_up') return 'hang_up';
    if (deed.type === 'takes') return { status: taken };
    const { status, body } = deed;
    return { status, text: body };
  });
  const credential: OpenCredential = {
    id: 'c' as CredentialId,
    projectId: CONTEXT.projectId,
    provider: channel,
    text: (key) => VALUES[key] ?? null,
    list: () => [],
  };
  const order: TransferOrder = {
    context: { ...CONTEXT, channel, providerCallId: 'call-1', to: '+14155550100' },
    credential,
    settings: { transfer: 'connect_applet' },
    to: '+14155552671',
    ringTimeoutSeconds: 30,
    publicHost: 'voice.example.com',
  };
  const clock = new FakeClock();
  return {
    subject: {
      transfer: make(clock, carrier.url),
      clock,
      order,
      peer: (does) => {
        deed = does;
      },
      asked: () => carrier.requests.length,
    },
    close: () => carrier[Symbol.asyncDispose](),
  };
}

const twilio: Make = (clock, baseUrl) => twilioTransfer({ clock }, baseUrl);
const vonage: Make = (clock, baseUrl) => vonageTransfer({ clock }, baseUrl);

callTransferContract('transfers over Twilio', () => over('twilio', twilio, 200));
callTransferContract('transfers over Vonage', () => over('vonage', vonage, 204));
callTransferContract('transfers over Exotel', () => over('exotel', () => exotelTransfer, 200));

describe('the contract turns red', () => {
  const broken = (change: (good: CallTransfer) => CallTransfer) =>
    brokenPromises(callTransferPromises, () =>
      over('twilio', (clock, url) => change(twilioTransfer({ clock }, url)), 200),
    );

  test('on one that never objects', async () => {
    expect(await broken((good) => ({ ...good, objection: () => null }))).toEqual([
      'a call that has all it takes meets no objection, one without its id at the carrier does',
    ]);
  });

  test('on one that dials for callers who are gone, and throws what it does not know', async () => {
    const deaf = (good: CallTransfer): CallTransfer => ({
      ...good,
      transfer: async (order) => {
        const outcome = await good.transfer(order, new AbortController().signal);
        if (outcome.type === 'failed') throw new Error(outcome.detail);
        return outcome;
      },
    });

    const names = await broken(deaf);

    expect(names).toEqual([
      'a caller who is gone is handed to nobody',
      'whatever the other side answers, an outcome comes of it, never an error, and no number is in its words',
      'aborted under way, because our leg ended, it resolves without time passing',
    ]);
  });

  test('on one that tells the number', async () => {
    const names = await broken((good) => ({
      ...good,
      transfer: async ({ to }) => ({ type: 'failed', reason: 'rejected', detail: `not ${to}` }),
    }));

    expect(names).toHaveLength(3);
  });
});
