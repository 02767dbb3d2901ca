import { describe, expect, test } from 'vitest';
import { DEMO_FLOW } from './demo-flow.ts';
import { readFlow } from './read-flow.ts';

const SMALL = {
  start: 'hello',
  fallback: 'bye',
  nodes: {
    hello: { type: 'say', text: 'Hello.', next: 'bye' },
    bye: { type: 'hang_up', text: 'Bye.' },
  },
};

describe('reading a flow', () => {
  test('the demo flow has no mistakes', () => {
    expect(Object.keys(readFlow(DEMO_FLOW).nodes)).toContain('menu');
  });

  test('YAML, JSON and objects are the same flow', () => {
    const yaml = `
start: hello
fallback: bye
nodes:
  hello: { type: say, text: Hello., next: bye }
  bye: { type: hang_up, text: Bye. }
`;

    expect(readFlow(yaml)).toEqual(readFlow(SMALL));
    expect(readFlow(JSON.stringify(SMALL))).toEqual(readFlow(SMALL));
  });

  test.each<[string, unknown, string]>([
    ['a text that is no document', 'start: [', 'neither YAML nor JSON'],
    ['nothing', null, 'The flow must be object'],
    ['a missing field', { start: 'a', nodes: {} }, 'must have required properties fallback'],
    ['a node without a type', withNode({ text: 'x' }), 'Node "extra" needs a type: say, ask, form'],
    ['an unknown type', withNode({ type: 'sing' }), 'Node "extra" needs a type'],
    ['a missing text', withNode({ type: 'say', next: 'bye' }), 'Node "extra" must have required properties text'],
    [
      'an unknown field',
      withNode({ type: 'say', text: 'x', next: 'bye', nxt: 1 }),
      'must not have additional properties',
    ],
    [
      'an unknown target',
      withNode({ type: 'say', text: 'x', next: 'nowhere' }),
      'Node "extra".next names the unknown node "nowhere"',
    ],
    ['an unknown start', { ...SMALL, start: 'begin' }, 'start names the unknown node "begin" (there are: hello, bye)'],
    ['a node nobody leads to', withNode({ type: 'hang_up' }), 'Node "extra" is never reached'],
    [
      'talking for ever',
      { ...SMALL, nodes: { ...SMALL.nodes, hello: { type: 'say', text: 'x', next: 'hello' } } },
      'Nodes hello -> hello go in a circle and never wait',
    ],
    ['a phrase no grammar can hold', asking({ phrases: ['Press 1'] }), 'phrase "Press 1" must be lower-case words'],
    ['a phrase with two meanings', asking({ phrases: ['yes', 'yes'] }), 'phrase "yes" means two choices'],
    ['an endpoint that is no http', withNode(endpoint('file:///etc/passwd')), 'Node "extra".url must match'],
    ['a template as the host', withNode(endpoint('http://{{host}}/')), 'Node "extra".url must match'],
  ])('%s is told clearly', (_what, flow, message) => {
    expect(() => readFlow(flow)).toThrow(message);
  });

  test('all mistakes are told together', () => {
    const flow = { ...SMALL, nodes: { hello: { type: 'say' }, bye: { type: 'ask' } } };

    expect(() => readFlow(flow)).toThrow(/Node "hello".*Node "bye"/);
  });
});

function withNode(extra: unknown): unknown {
  return { ...SMALL, nodes: { ...SMALL.nodes, extra } };
}

function endpoint(url: string): unknown {
  return { type: 'http', url, saveAs: 'x', next: 'bye', onError: 'bye' };
}

function asking(choice: { phrases: string[] }): unknown {
  const choices = [{ value: 'a', digits: '1', next: 'bye', ...choice }];
  return { ...SMALL, nodes: { ...SMALL.nodes, hello: { type: 'ask', text: 'Well?', choices } } };
}
