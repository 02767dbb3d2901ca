import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CallContext } from '../../../core/call/call-context.ts';
import type { KeyLine } from '../../../core/ports/carrier-keys.ts';
import { systemRandom } from '../../../runtime/system-random.ts';
import { ariKeys } from './ari-keys.ts';
import type { AriLinks } from './ari-links.ts';
import { destroyed, FakeAri, testLinks } from './fakes/fake-ari.ts';

const CALL = 'rapida-0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0';

let ari: FakeAri;
let links: AriLinks;
let stop: AbortController;

beforeEach(async () => {
  ari = await FakeAri.start();
  links = testLinks().links;
  stop = new AbortController();
  ari.channels.set(CALL, { id: CALL, name: 'PJSIP/carrier-00000001', state: 'Up' });
});

afterEach(async () => {
  links[Symbol.dispose]();
  await ari[Symbol.asyncDispose]();
});

describe('keys for the other side', () => {
  test("are sent by the dialplan's SendDTMF, on a channel beside the call's", async () => {
    const sent = ariKeys({ links, random: systemRandom }).send(line(), '12#', stop.signal);
    await vi.waitFor(() => expect(ari.originated).toHaveLength(1));

    ari.tell(destroyed(String(ari.originated[0]?.['id']), 16));

    await sent;
    expect(ari.originated[0]).toMatchObject({
      endpoint: 'Local/s@rapida-digits/n',
      variables: { RAPIDA_DIGITS: '12#', RAPIDA_CHANNEL: 'PJSIP/carrier-00000001' },
    });
  });

  test('a dialplan without that context is told', async () => {
    const sent = ariKeys({ links, random: systemRandom }).send(line(), '1', stop.signal);
    sent.catch(() => undefined);
    await vi.waitFor(() => expect(ari.originated).toHaveLength(1));

    ari.tell(destroyed(String(ari.originated[0]?.['id']), 0));

    await expect(sent).rejects.toMatchObject({ detail: 'the dialplan has no context rapida-digits' });
  });

  test('a call that is over is not waited for', async () => {
    const sent = ariKeys({ links, random: systemRandom }).send(line(), '1', stop.signal);
    sent.catch(() => undefined);
    await vi.waitFor(() => expect(ari.originated).toHaveLength(1));

    stop.abort();

    await expect(sent).rejects.toMatchObject({ code: 'carrier_failed' });
  });
});

test('calls without an account, or whose channel nobody named, cannot have keys', () => {
  const keys = ariKeys({ links, random: systemRandom });

  expect(keys.objection(line())).toBeNull();
  expect(keys.objection({ ...line(), credential: null })).toContain('credential');
  expect(keys.objection({ ...line(), context: { ...line().context, providerCallId: null } })).toContain('UNIQUEID');
});

function line(): KeyLine {
  return { context: { providerCallId: CALL } as CallContext, credential: ari.credential() };
}
