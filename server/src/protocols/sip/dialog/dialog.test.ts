import { describe, expect, test } from 'vitest';
import { request, responseTo } from '../fakes/wire.ts';
import { headersOf } from '../message/message.ts';
import { createClientDialog, createServerDialog } from './dialog.ts';

const invite = request(
  'INVITE sip:100@192.0.2.1',
  'Contact: <sip:caller@192.0.2.9:5062>',
  'Record-Route: <sip:near.example;lr>, <sip:middle.example;lr>',
  'Record-Route: <sip:far.example;lr>',
);

describe('the route set (12.1)', () => {
  test('a server keeps Record-Route in its order', () => {
    const bye = createServerDialog(invite, 'us', 1).createRequest('BYE');

    expect(headersOf(bye, 'Route')).toEqual([
      '<sip:near.example;lr>',
      '<sip:middle.example;lr>',
      '<sip:far.example;lr>',
    ]);
    expect([bye.uri, bye.nextHop]).toEqual(['sip:caller@192.0.2.9:5062', 'sip:near.example;lr']);
  });

  test('a client reverses it', () => {
    const response = responseTo(
      invite,
      200,
      'Record-Route: <sip:far.example;lr>, <sip:near.example;lr>',
      'Contact: <sip:100@192.0.2.1>',
    );

    const bye = createClientDialog(invite, response).createRequest('BYE');

    expect(headersOf(bye, 'Route')).toEqual(['<sip:near.example;lr>', '<sip:far.example;lr>']);
    expect([bye.uri, bye.nextHop]).toEqual(['sip:100@192.0.2.1', 'sip:near.example;lr']);
  });

  test('a strict router gets the Request-URI, the target goes to the end of Route (12.2.1.1)', () => {
    const strict = request(
      'INVITE sip:100@192.0.2.1',
      'Contact: <sip:caller@192.0.2.9>',
      'Record-Route: <sip:old.example>, <sip:new.example;lr>',
    );

    const bye = createServerDialog(strict, 'us', 1).createRequest('BYE');

    expect([bye.uri, bye.nextHop]).toEqual(['sip:old.example', 'sip:old.example']);
    expect(headersOf(bye, 'Route')).toEqual(['<sip:new.example;lr>', '<sip:caller@192.0.2.9>']);
  });

  test('it is frozen: a later Record-Route changes nothing', () => {
    const dialog = createServerDialog(invite, 'us', 1);

    dialog.refreshTarget(
      request(
        'INVITE sip:100@192.0.2.1',
        'CSeq: 2 INVITE',
        'Record-Route: <sip:new.example;lr>',
        'Contact: <sip:moved@192.0.2.8>',
      ),
    );

    const bye = dialog.createRequest('BYE');
    expect([bye.uri, bye.nextHop]).toEqual(['sip:moved@192.0.2.8', 'sip:near.example;lr']);
  });
});

describe('the remote target', () => {
  test('only INVITE and UPDATE move it', () => {
    const dialog = createServerDialog(invite, 'us', 1);

    dialog.refreshTarget(request('INFO sip:100@192.0.2.1', 'CSeq: 2 INFO', 'Contact: <sip:evil@192.0.2.66>'));
    expect(dialog.remoteTarget).toBe('sip:caller@192.0.2.9:5062');
    dialog.refreshTarget(request('UPDATE sip:100@192.0.2.1', 'CSeq: 3 UPDATE', 'Contact: <sip:caller@192.0.2.10>'));
    expect(dialog.remoteTarget).toBe('sip:caller@192.0.2.10');
  });
});

describe('CSeq', () => {
  test('ours rises by one, and the ACK repeats its INVITE', () => {
    const dialog = createServerDialog(invite, 'us', 7);

    expect(
      [dialog.createRequest('INVITE'), dialog.createAck(8), dialog.createRequest('BYE')].map(({ cseq }) => cseq),
    ).toEqual([
      { number: 8, method: 'INVITE' },
      { number: 8, method: 'ACK' },
      { number: 9, method: 'BYE' },
    ]);
  });

  test('a number of the peer at or below one already seen is refused', () => {
    const dialog = createServerDialog(invite, 'us', 1);

    expect(dialog.acceptSequence(request('INFO sip:a@b', 'CSeq: 5 INFO'))).toBe(true);
    expect(dialog.acceptSequence(request('BYE sip:a@b', 'CSeq: 4 BYE'))).toBe(false);
    expect(dialog.acceptSequence(request('BYE sip:a@b', 'CSeq: 5 BYE'))).toBe(false);
  });
});
