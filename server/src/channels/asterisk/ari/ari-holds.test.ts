import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RecordingLog } from '../../../../test/fakes/recording-log.ts';
import type { CallContext } from '../../../core/call/call-context.ts';
import type { CarrierHolds } from '../../../core/ports/carrier-holds.ts';
import type { KeyLine } from '../../../core/ports/carrier-keys.ts';
import { ariHolds } from './ari-holds.ts';
import type { AriLinks } from './ari-links.ts';
import { destroyed, FakeAri, held, testLinks } from './fakes/fake-ari.ts';

const CALL = '1795246880.1';
const OTHER = '1795246880.2';

let ari: FakeAri;
let links: AriLinks;
let holds: CarrierHolds;
let log: RecordingLog;

beforeEach(async () => {
  ari = await FakeAri.start();
  links = testLinks().links;
  log = new RecordingLog();
  holds = ariHolds({ links, log });
});

afterEach(async () => {
  links[Symbol.dispose]();
  await ari[Symbol.asyncDispose]();
});

describe('a phone of Asterisk that holds the call', () => {
  test('is told of while it is followed, each call of its own channel', async () => {
    const { told, following } = await followed(CALL);
    const other = await followed(OTHER);

    ari.tell(held(CALL, true));
    ari.tell(held(OTHER, true));
    ari.tell(held('1795246880.3', true));
    ari.tell(held(CALL, false));
    await vi.waitFor(() => expect([told, other.told]).toEqual([[true, false], [true]]));
    following[Symbol.dispose]();
    ari.tell(held(CALL, true));
    ari.tell(held(OTHER, false));

    await vi.waitFor(() => expect(other.told).toEqual([true, false]));
    expect(told).toEqual([true, false]);
  });

  test('counts as taken up again when the events break off: that it was may have been missed', async () => {
    const { told } = await followed(CALL);
    ari.tell(held(CALL, true));
    await vi.waitFor(() => expect(told).toEqual([true]));

    ari.drop();
    await vi.waitFor(() => expect(told).toEqual([true, false]));
    await vi.waitFor(() => expect(ari.connections).toBe(1), 5_000);
    ari.tell(held(CALL, true));

    await vi.waitFor(() => expect(told).toEqual([true, false, true]));
  });

  test('is listened for as long as the call lasts, whatever the deployments say', async () => {
    const { told } = await followed(CALL);

    links.keep([]);
    ari.tell(destroyed('another', 16));
    ari.tell(held(CALL, true));

    await vi.waitFor(() => expect(told).toEqual([true]));
  });
});

test('calls without an account, or whose channel nobody named, cannot be told of', () => {
  expect(holds.objection(line(CALL))).toBeNull();
  expect(holds.objection({ ...line(CALL), credential: null })).toContain('credential');
  expect(holds.objection({ ...line(CALL), context: { providerCallId: null } as CallContext })).toContain('UNIQUEID');
});

test('an account with an address that is none costs the call nothing', () => {
  const credential = { ...ari.credential(), text: () => 'no address' };

  const following = holds.follow({ ...line(CALL), credential }, () => {});
  following[Symbol.dispose]();

  expect(log.events).toEqual(['asterisk.holds_untold']);
});

async function followed(channelId: string) {
  const told: boolean[] = [];
  const following = holds.follow(line(channelId), (isHeld) => void told.push(isHeld));
  await vi.waitFor(() => expect(ari.connections).toBe(1));
  await links.open(ari.credential()).whenOpen(5_000);
  return { told, following };
}

function line(channelId: string): KeyLine {
  return { context: { providerCallId: channelId } as CallContext, credential: ari.credential() };
}
