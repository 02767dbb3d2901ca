import { expect, test } from 'vitest';
import { createServerDialog } from '../dialog/dialog.ts';
import { request } from '../fakes/wire.ts';
import { replacingTarget } from './attended-transfer.ts';

test('attended transfer: Refer-To carries the Replaces of the other call, tags as its peer sees them (RFC 5589)', () => {
  const invite = request('INVITE sip:100@192.0.2.1', 'Call-ID: a@b', 'Contact: <sip:caller@192.0.2.9>');

  expect(replacingTarget(createServerDialog(invite, 'ours', 1))).toBe(
    'sip:caller@192.0.2.9?Replaces=a%40b%3Bto-tag%3Dpeer%3Bfrom-tag%3Dours',
  );
});
