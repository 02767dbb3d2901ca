import { describe, expect, test } from 'vitest';
import type { AssistantId } from '../../core/ids.ts';
import { FakeFlow, request } from '../../protocols/sip/fakes/wire.ts';
import { Registrar } from './registrar.ts';

const ID = '100' as AssistantId;

function registrar() {
  let nowMs = 0;
  const flow = new FakeFlow();
  const one = new Registrar(() => nowMs);
  const register = (...lines: string[]) => {
    const { status, headers } = one.answer(ID, request('REGISTER sip:192.0.2.1', ...lines), flow);
    return [status, ...headers.map(({ name, value }) => `${name}: ${value}`)];
  };
  const pass = (seconds: number) => {
    nowMs += seconds * 1000;
  };
  const find = (name: string) => one.find(ID, name)?.uri ?? null;
  return { register, pass, find, flow };
}

describe('the registrar', () => {
  test('grants at most 600 s, and tells a query what is left', () => {
    const { register, pass } = registrar();

    const granted = register('Contact: <sip:a@192.0.2.9>', 'Expires: 3600');
    pass(100);

    expect(granted).toEqual([200, 'Contact: <sip:a@192.0.2.9>;expires=600']);
    expect(register()).toEqual([200, 'Contact: <sip:a@192.0.2.9>;expires=500']);
  });

  test('under 60 s is 423 with the least it takes', () => {
    expect(registrar().register('Contact: <sip:a@192.0.2.9>;expires=30')).toEqual([423, 'Min-Expires: 60']);
  });

  test('expires 0 and * take back', () => {
    const { register } = registrar();
    register('Contact: <sip:a@192.0.2.9>, <sip:b@192.0.2.9>', 'Expires: 60');

    const one = register('Contact: <sip:a@192.0.2.9>;expires=0');

    expect(one).toEqual([200, 'Contact: <sip:b@192.0.2.9>;expires=60']);
    expect(register('Contact: *', 'Expires: 0')).toEqual([200]);
  });

  test('of eleven phones the one refreshed longest ago is forgotten', () => {
    const { register } = registrar();

    for (let phone = 0; phone < 11; phone++) register(`Contact: <sip:${phone}@192.0.2.9>`, 'Expires: 60');
    const [, ...contacts] = register();

    expect(contacts).toHaveLength(10);
    expect(contacts[0]).toBe('Contact: <sip:1@192.0.2.9>;expires=60');
  });

  test('what ran out is not told', () => {
    const { register, pass } = registrar();
    register('Contact: <sip:a@192.0.2.9>', 'Expires: 60');

    pass(60);

    expect(register()).toEqual([200]);
  });

  test('finds a phone by the name in its Contact or account, or the newest by the assistant, until its time is up or its flow closed', () => {
    const { register, pass, find, flow } = registrar();
    register('Contact: <sip:desk@192.0.2.9>', 'Expires: 300');
    register('Contact: <sip:hall@192.0.2.9>', 'Expires: 100');

    expect([find('desk'), find('100'), find('cellar')]).toEqual(['sip:desk@192.0.2.9', 'sip:hall@192.0.2.9', null]);
    register('Contact: <sip:0x7f@192.0.2.9>', 'Expires: 100', 'To: <sip:attic@192.0.2.1>');
    expect(find('attic')).toBe('sip:0x7f@192.0.2.9');
    pass(101);
    expect([find('hall'), find('100')]).toEqual([null, 'sip:desk@192.0.2.9']);
    flow.isOpen = false;
    expect(find('desk')).toBeNull();
  });
});
