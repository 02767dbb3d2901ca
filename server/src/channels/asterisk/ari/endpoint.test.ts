import { expect, test } from 'vitest';
import { dialEndpoint } from './endpoint.ts';

test.each([
  [{ trunk: 'carrier' }, 'PJSIP/+15551234@carrier'],
  [{}, 'PJSIP/+15551234'],
  [{ endpoint_technology: 'pjsip', trunk: 'carrier' }, 'pjsip/+15551234@carrier'],
  [{ endpoint_technology: 'SIP', trunk: 'carrier' }, 'SIP/carrier/+15551234'],
  [{ endpoint_technology: 'Local' }, 'Local/+15551234'],
  [
    { trunk: 'carrier', endpoint_template: 'PJSIP/{trunk}/sip:{number}@10.0.0.1' },
    'PJSIP/carrier/sip:+15551234@10.0.0.1',
  ],
])('%j dials %s', (settings, endpoint) => {
  expect(dialEndpoint('+15551234', settings)).toBe(endpoint);
});

test.each(['', '555 1234', '5551234@evil', '555/1234', '555&Local/1', `${'5'.repeat(65)}`])(
  '%j is not dialled',
  (number) => {
    expect(() => dialEndpoint(number, {})).toThrow('the number to call may hold');
  },
);
