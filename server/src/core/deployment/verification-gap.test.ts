import { expect, test } from 'vitest';
import type { AssistantId, CredentialId, DeploymentId, ProjectId } from '../ids.ts';
import type { Deployment } from './deployment.ts';
import { verificationGaps } from './verification-gap.ts';

const projectId = 'p1' as ProjectId;
const account = (provider: string, shown = {}) => ({
  id: provider as CredentialId,
  projectId,
  provider,
  name: 'main',
  shown,
});
const line = (channel: Deployment['channel'], settings: Deployment['settings'] = {}, isEnabled = true): Deployment => ({
  id: 'd1' as DeploymentId,
  projectId,
  assistantId: '1' as AssistantId,
  channel,
  name: 'desk',
  number: null,
  credentialId: null,
  settings,
  isEnabled,
  createdAt: new Date(0),
  updatedAt: new Date(0),
});
const subjects = (...input: Parameters<typeof verificationGaps>) =>
  verificationGaps(...input).map((gap) => gap.subject);

test('Twilio always proves itself, so it leaves no gap', () => {
  expect(verificationGaps([account('twilio')], [line('twilio')])).toEqual([]);
});

test('Vonage without a signature secret is a gap, with and without a line; with one it is none', () => {
  expect(subjects([account('vonage')], [])).toEqual(['vonage credential "main"']);
  expect(subjects([account('vonage')], [line('vonage')])).toEqual(['vonage credential "main"']);
  expect(subjects([account('vonage', { signature_secret: '••••1234' })], [line('vonage')])).toEqual([]);
});

test('a line that insists on a proof closes the gap of its account', () => {
  expect(subjects([account('vonage')], [line('vonage', { verify: 'enforce' })])).toEqual([]);
  expect(subjects([account('exotel')], [line('exotel', { allowed_addresses: ['203.0.113.0/24'] })])).toEqual([]);
});

test('Exotel without a list of addresses is a gap', () => {
  expect(subjects([account('exotel')], [line('exotel')])).toEqual(['exotel credential "main"']);
});

test('a line that is told to look away is a gap of its own, unless it is disabled', () => {
  expect(subjects([account('twilio')], [line('twilio', { verify: 'off' })])).toEqual(['twilio deployment "desk"']);
  expect(subjects([account('twilio')], [line('twilio', { verify: 'log' })])).toEqual(['twilio deployment "desk"']);
  expect(subjects([account('twilio')], [line('twilio', { verify: 'off' }, false)])).toEqual([]);
});

test("another project's line closes nothing", () => {
  const other = { ...line('vonage', { verify: 'enforce' }), projectId: 'p2' as ProjectId };

  expect(subjects([account('vonage')], [other])).toEqual(['vonage credential "main"']);
});
