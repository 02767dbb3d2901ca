import { describe, expect, test } from 'vitest';
import { CONTEXT } from '../../test/fakes/call-world.ts';
import { RecordingLog } from '../../test/fakes/recording-log.ts';
import type { NewAuditEntry } from '../core/audit/audit-entry.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { AppError } from '../core/errors.ts';
import { checkTransferTarget, type TransferTargetParts } from './transfer-call-target.ts';

const on = (channel: ChannelName): CallContext => ({ ...CONTEXT, channel, from: '+4930123456', to: '+14155550100' });

/** What is on the list, and what was audited. */
function world(listed: readonly string[] = [], isDatabaseAway = false) {
  const audited: NewAuditEntry[] = [];
  const log = new RecordingLog();
  const fail = () => Promise.reject(new AppError('database_unavailable'));
  const parts: TransferTargetParts = {
    numberLists: {
      has: async (_project, list, number) =>
        isDatabaseAway ? await fail() : list === 'do_not_call' && listed.includes(number),
    },
    audit: { append: async (entry) => (isDatabaseAway ? await fail() : void audited.push(entry)) },
    log,
  };
  return { parts, audited, log };
}

const check = (channel: ChannelName, to: string, settings = {}) =>
  checkTransferTarget(world().parts, on(channel), to, settings);

describe('over a carrier', () => {
  test('a number becomes E.164, in the country of the number that was called', async () => {
    expect(await check('twilio', '+1 (415) 555-2671')).toBe('+14155552671');
    expect(await check('vonage', '415 555 2671')).toBe('+14155552671');
    const outbound = { ...on('twilio'), direction: 'outbound' as const };
    expect(await checkTransferTarget(world().parts, outbound, '030 901820', {})).toBe('+4930901820');
  });

  test.each(['911', '+112', '+19005551234', '+881612345678', '200', 'reception', 'sip:anna@pbx.example'])(
    '%s is not dialled',
    async (to) => {
      await expect(check('twilio', to)).rejects.toThrow('the target of the transfer:');
    },
  );

  test('the deployment’s countries hold', async () => {
    await expect(check('twilio', '+14155552671', { allowed_countries: ['DE'] })).rejects.toThrow('may not call US');
  });

  test('what is wrong is said without the number', async () => {
    await expect(check('twilio', '+4915199999999999')).rejects.toThrow(/^(?!.*99999).*$/);
  });
});

describe('on a PBX', () => {
  test.each<[ChannelName, string]>([
    ['asterisk', '200'],
    ['asterisk', 'reception'],
    ['sip', '200'],
    ['sip', 'sip:anna@pbx.example'],
    ['sip', 'sips:200@10.0.0.1:5061'],
    ['sip', 'sip:+14155552671@trunk.example'],
  ])('%s: %s is dialled as it is', async (channel, to) => {
    expect(await check(channel, to)).toBe(to);
  });

  test.each<[ChannelName, string]>([
    ['asterisk', 'sip:anna@pbx.example'],
    ['sip', 'sip:112@pbx.example'],
    ['sip', 'sip:+19005551234@trunk.example'],
    ['sip', 'sip:anna@pbx.example;maddr=10.0.0.9'],
    ['sip', 'sip:anna@pbx.example?Replaces=x'],
    ['sip', 'sip:anna:secret@pbx.example'],
    ['sip', 'tel:200'],
  ])('%s: %s is not', async (channel, to) => {
    await expect(check(channel, to)).rejects.toThrow('the target of the transfer:');
  });
});

describe('who is on the do-not-call list', () => {
  test.each<[ChannelName, string]>([
    ['twilio', '+1 (415) 555-2671'],
    ['vonage', '415 555 2671'],
    ['sip', '+14155552671'],
    ['sip', 'sip:+14155552671@trunk.example'],
    ['asterisk', '14155552671'],
  ])('is not dialled, over %s as %s, and the try is audited without the number', async (channel, to) => {
    const { parts, audited, log } = world(['14155552671']);

    await expect(checkTransferTarget(parts, on(channel), to, { allowed_countries: ['*'] })).rejects.toMatchObject({
      code: 'do_not_call',
      detail: 'the target of the transfer: it is on the do-not-call list',
    });

    const { projectId, assistantId } = CONTEXT;
    expect(audited).toMatchObject([
      { projectId, apiKeyId: null, action: 'transfer.refused', subject: assistantId, detail: { code: 'do_not_call' } },
    ]);
    expect(JSON.stringify([audited, log.entries])).not.toContain('5552671');
  });

  test('others are', async () => {
    const { parts, audited } = world(['14155552671']);

    expect(await checkTransferTarget(parts, on('twilio'), '+14155552672', {})).toBe('+14155552672');
    expect(audited).toEqual([]);
  });

  test('a list that cannot be read keeps no caller waiting, and the log says so', async () => {
    const { parts, log } = world([], true);

    expect(await checkTransferTarget(parts, on('twilio'), '+14155552671', {})).toBe('+14155552671');
    expect(log.events).toEqual(['transfer.list_unread']);
  });
});

test('what the other rules refuse is audited as well', async () => {
  const { parts, audited } = world();

  await expect(checkTransferTarget(parts, on('twilio'), '911', {})).rejects.toThrow('emergency');

  expect(audited).toMatchObject([{ action: 'transfer.refused', detail: { code: 'number_refused', to: '***911' } }]);
});
