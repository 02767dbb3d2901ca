import { describe, expect, test } from 'vitest';
import type { CallContext } from '../../core/call/call-context.ts';
import type { WebhookRequest } from '../../core/ports/channel.ts';
import { exotelAnswer } from './answer.ts';
import { FormatEvidence, formatFromStart } from './wire-format.ts';

const context = { contextId: '11111111-2222-4333-8444-555555555555' } as CallContext;
const URL_SAID = 'wss://voice.example.com/v1/talk/exotel/ctx/11111111-2222-4333-8444-555555555555';
const answer = (parameters: Record<string, string>, accept?: string) =>
  exotelAnswer(context, 'voice.example.com', {
    method: 'GET',
    rawTarget: '/',
    headers: accept === undefined ? {} : { accept },
    rawBody: new Uint8Array(),
    parameters,
    remoteAddress: '127.0.0.1',
  } satisfies WebhookRequest);

describe('where to bring the audio', () => {
  test.each([
    [{ format: 'json' }, 'text/xml', 'application/json'],
    [{ format: 'xml', CustomField: 'x' }, undefined, 'text/xml; charset=utf-8'],
    [{ CallSid: 'c' }, 'application/json', 'application/json'],
    [{ CallSid: 'c', CallType: 'call-attempt' }, '*/*', 'application/json'],
    [{ CallSid: 'c' }, '*/*', 'text/xml; charset=utf-8'],
  ])('%j with Accept %s is answered as %s', (parameters, accept, type) => {
    expect(answer(parameters as unknown as Record<string, string>, accept).headers['content-type']).toBe(type);
  });

  test('where a setting names the audio, the address of the stream carries it', () => {
    const request = {
      method: 'GET',
      rawTarget: '/',
      headers: {},
      rawBody: new Uint8Array(),
      remoteAddress: '::1',
    } as const;
    const asked = { ...request, parameters: { format: 'json' } };

    expect(exotelAnswer(context, 'voice.example.com', asked, { audio: 'mulaw' }).body).toBe(
      `{"url":"${URL_SAID}?audio=mulaw"}`,
    );
  });

  test('both documents name the same address', () => {
    expect(answer({ format: 'json' }).body).toBe(`{"url":"${URL_SAID}"}`);
    expect(answer({ format: 'xml' }).body).toContain(`url="${URL_SAID}"`);
  });
});

describe('what the audio is', () => {
  test.each([
    [{ encoding: 'audio/x-mulaw', sampleRate: '8000' }, undefined, { encoding: 'mulaw', sampleRate: 8000 }],
    [{ bitRate: '64kbps' }, undefined, { encoding: 'mulaw', sampleRate: 8000 }],
    [
      { encoding: 'base64', sampleRate: '8000', bitRate: '128kbps' },
      undefined,
      { encoding: 'linear', sampleRate: 8000 },
    ],
    [{ encoding: 'raw/slin' }, '16000', { encoding: 'linear', sampleRate: 16000 }],
    [{}, '24000', { encoding: 'linear', sampleRate: 24000 }],
    [{}, undefined, null],
    [{ encoding: 'opus' }, undefined, null],
  ])('start %j with sample-rate %s says %j', (format, parameter, expected) => {
    expect(formatFromStart(format, parameter)).toEqual(expected);
  });

  test.each([
    [800, { encoding: 'mulaw', sampleRate: 8000 }],
    [1600, { encoding: 'linear', sampleRate: 8000 }],
    [3200, { encoding: 'linear', sampleRate: 16000 }],
    [4800, { encoding: 'linear', sampleRate: 24000 }],
  ])('%i bytes each 100 ms', (bytes, expected) => {
    const evidence = new FormatEvidence();

    expect([0, 100].map((ms) => evidence.add(bytes, ms))).toEqual([null, null]);
    expect(evidence.best).toEqual(expected);
    expect(evidence.add(bytes, 200)).toEqual(expected);
  });

  test('a clock that stands still proves nothing', () => {
    const evidence = new FormatEvidence();

    expect([0, 0, 0, 0, 0].map((ms) => evidence.add(800, ms))).toEqual([null, null, null, null, null]);
    expect(evidence.best).toEqual({ encoding: 'linear', sampleRate: 8000 });
  });
});
