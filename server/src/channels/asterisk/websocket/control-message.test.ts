import { describe, expect, test } from 'vitest';
import { controlCommand, parseControlEvent } from './control-message.ts';

const START = {
  type: 'media_start',
  format: 'ulaw',
  optimalFrameSize: 160,
  ptimeMs: 20,
  channelId: '1795246880.2',
};

describe('what chan_websocket says, as Asterisk 22.10 was seen to write it', () => {
  test('MEDIA_START in plain text', () => {
    const message =
      'MEDIA_START connection_id:rapida channel:WebSocket/rapida/0x7f00 channel_id:1795246880.2 format:ulaw optimal_frame_size:160 ptime:20';

    expect(parseControlEvent(message)).toEqual({ ...START, variables: {} });
  });

  test('MEDIA_START in JSON carries the channel variables', () => {
    const message =
      '{"event":"MEDIA_START","connection_id":"rapida","channel":"WebSocket/rapida/0x7f00","channel_id":"1795246880.2","format":"ulaw","optimal_frame_size":160,"ptime":20,"channel_variables":{"__RAPIDA_CONTEXT_ID":"u-1"}}';

    expect(parseControlEvent(message)).toEqual({ ...START, variables: { rapida_context_id: 'u-1' } });
  });

  test.each([
    ['DTMF_END digit:1 channel_id:x', { type: 'dtmf', digit: '1' }],
    ['{"event":"DTMF_END","channel_id":"x","digit":"#"}', { type: 'dtmf', digit: '#' }],
    ['MEDIA_XOFF', { type: 'xoff' }],
    ['{"event":"MEDIA_XON","channel_id":"x"}', { type: 'xon' }],
    ['MEDIA_MARK_PROCESSED m1', { type: 'mark_processed', mark: 'm1' }],
    ['MEDIA_MARK_PROCESSED', { type: 'mark_processed', mark: '' }],
    ['{"event":"MEDIA_MARK_PROCESSED","correlation_id":"m1"}', { type: 'mark_processed', mark: 'm1' }],
    ['MEDIA_BUFFERING_COMPLETED b1', { type: 'buffering_completed', id: 'b1' }],
    ['QUEUE_DRAINED', { type: 'queue_drained' }],
    [
      'STATUS channel_id:x queue_length:250 xon_level:800 xoff_level:900 queue_full:false bulk_media:false media_paused:true',
      { type: 'status', queueLength: 250, isPaused: true },
    ],
    ['{"event":"STATUS","queue_length":3,"media_paused":false}', { type: 'status', queueLength: 3, isPaused: false }],
    ['ERROR channel_id:x error_text:Unable to parse: no', { type: 'error', text: 'Unable to parse: no' }],
    ['SOMETHING_NEW a:b', { type: 'ignored', event: 'SOMETHING_NEW' }],
  ])('%s', (message, expected) => {
    expect(parseControlEvent(message)).toEqual(expected);
  });

  test.each(['{', '{"event"', 'MEDIA_START', 'MEDIA_START format:ulaw optimal_frame_size:-1', 'DTMF_END digit:12'])(
    '%s is malformed and says why',
    (message) => {
      expect(parseControlEvent(message)).toEqual({ type: 'malformed', reason: expect.any(String) });
    },
  );
});

describe('what chan_websocket is told', () => {
  test('in the spelling of the call', () => {
    expect(controlCommand('plain-text', 'MARK_MEDIA', 'm1')).toBe('MARK_MEDIA m1');
    expect(controlCommand('json', 'MARK_MEDIA', 'm1')).toBe('{"command":"MARK_MEDIA","correlation_id":"m1"}');
    expect(controlCommand('plain-text', 'FLUSH_MEDIA')).toBe('FLUSH_MEDIA');
  });

  test('never longer than Asterisk reads', () => {
    expect(() => controlCommand('plain-text', 'MARK_MEDIA', 'x'.repeat(118))).toThrow('would take 129 bytes');
  });
});
