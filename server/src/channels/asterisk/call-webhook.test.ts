import { describe, expect, test } from 'vitest';
import type { CallContext } from '../../core/call/call-context.ts';
import { AppError } from '../../core/errors.ts';
import type { WebhookRequest } from '../../core/ports/channel.ts';
import { asteriskCallWebhook } from './call-webhook.ts';

const request = (parameters: Record<string, string>): WebhookRequest => ({
  method: 'GET',
  rawTarget: '/',
  headers: {},
  rawBody: new Uint8Array(),
  parameters,
  remoteAddress: '127.0.0.1',
});

describe('what Asterisk says about a call', () => {
  test('a plus that arrived as a space is a plus again', () => {
    expect(asteriskCallWebhook.read(request({ from: ' 15550001' })).from).toBe('+15550001');
  });

  test.each(['', 'anonymous', 'unknown', 'Restricted', '  '])('a caller %j is nobody, and is served', (from) => {
    expect(asteriskCallWebhook.read(request({ from })).from).toBeNull();
  });

  test('the optional id names the carrier call', () => {
    expect(asteriskCallWebhook.read(request({ id: '1795246880.2' })).providerCallId).toBe('1795246880.2');
    expect(asteriskCallWebhook.read(request({})).providerCallId).toBeNull();
  });
});

describe('what Asterisk is told', () => {
  test('success is the bare UUID, without a line end', () => {
    const context = { contextId: '11111111-2222-4333-8444-555555555555' } as CallContext;

    expect(asteriskCallWebhook.answer(context, null, { request: request({}), settings: {} })).toEqual({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: '11111111-2222-4333-8444-555555555555',
    });
  });

  test('an error has an empty body and its reason in X-Error, on one line', () => {
    const answer = asteriskCallWebhook.refuse(
      new AppError('draining', { detail: 'try\r\nlater', retryAfterSeconds: 5 }),
    );

    expect(answer).toEqual({
      status: 503,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'x-error': 'draining: This server is shutting down: try??later',
        'retry-after': '5',
      },
      body: '',
    });
  });
});
