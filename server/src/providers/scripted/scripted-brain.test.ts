import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { CONTEXT, settingsWith } from '../../../test/fakes/call-world.ts';
import type { TransferBookmark, TransferFailure } from '../../core/call/transfer.ts';
import type { BrainCall, BrainInput, BrainPart, BrainSession } from '../../core/ports/brain.ts';
import { DEMO_FLOW } from './demo-flow.ts';
import { scriptedBrain } from './scripted-brain.ts';

const said = (text: string): BrainInput => ({ type: 'said', text });
const keyed = (digits: string): BrainInput => ({ type: 'digits', digits });
const STARTED: BrainInput = { type: 'started' };

describe('the demo flow', () => {
  test('greets, offers, answers and says goodbye, all by keys', async () => {
    const caller = new Caller(DEMO_FLOW);

    expect(await caller.hears(STARTED)).toBe(
      'Hello, and welcome to the demo line. Would you like billing, support, or opening hours? You can say it, or press 1, 2 or 3.',
    );
    expect(await caller.hears(keyed('3'))).toMatch(/^We are open .* Is there anything else/);
    expect(await caller.hears(keyed('1'))).toMatch(/^Would you like billing/);
    expect(await caller.hears(keyed('1'))).toMatch(/^Your last invoice was paid/);
    expect(await caller.hears(keyed('2'))).toBe('Thank you for calling. Goodbye.');
    expect(caller.parts.at(-1)).toEqual({ type: 'hang_up' });
  });

  test('where the recogniser cannot reject, what was said is read back', async () => {
    const caller = new Caller(DEMO_FLOW, { isGrammarOnly: true });
    await caller.hears(STARTED);

    expect(await caller.hears(said('billing please'))).toBe(
      'You said billing. Is that right? Say yes or press 1, or say no or press 2.',
    );
    expect(caller.expected).toMatchObject({ maxDigits: 1 });
    expect(await caller.hears(said('no'))).toMatch(/^Let us try again\. Would you like billing/);
    await caller.hears(said('support'));
    expect(await caller.hears(keyed('1'))).toMatch(/^All our systems are running well/);
  });

  test('a free-form recogniser is believed', async () => {
    const caller = new Caller(DEMO_FLOW);
    await caller.hears(STARTED);

    expect(await caller.hears(said('I have a question about billing'))).toMatch(/^Your last invoice/);
  });

  test('asks again twice, offering the keys, and then gives up kindly', async () => {
    const caller = new Caller(DEMO_FLOW);
    await caller.hears(STARTED);

    expect(await caller.hears(said('a pizza'))).toMatch(
      /^Sorry, I did not understand that\. Would you like .* For billing, press 1\. For support, press 2\. For opening hours, press 3\.$/,
    );
    expect(await caller.hears({ type: 'not_understood' })).toMatch(/^Sorry/);
    expect(await caller.hears(keyed('9'))).toBe('Thank you for calling. Goodbye.');
    expect(caller.parts.at(-1)).toEqual({ type: 'hang_up' });
  });

  test('what may be said or keyed next is told', async () => {
    const caller = new Caller(DEMO_FLOW);

    await caller.hears(STARTED);

    expect(caller.expected).toMatchObject({
      phrases: expect.arrayContaining(['billing', 'support please', 'opening hours']),
      maxDigits: 1,
    });
  });

  test('without a recogniser the keys are offered in words', async () => {
    const caller = new Caller(DEMO_FLOW, { hasSpeechInput: false });

    expect(await caller.hears(STARTED)).toMatch(/For billing, press 1\. For support, press 2\./);
  });
});

describe('a caller who interrupts', () => {
  test('before a word of the answer was heard stands where they stood', async () => {
    const caller = new Caller(DEMO_FLOW);
    await caller.hears(STARTED);

    await caller.hears(said('billing'), { heard: '', wasInterrupted: true });

    expect(await caller.hears(said('billing no wait support'))).toMatch(/^Sorry/);
    expect(await caller.hears(said('support'))).toMatch(/^All our systems/);
  });

  test('in the middle of an answer is at its question', async () => {
    const caller = new Caller(DEMO_FLOW);
    await caller.hears(STARTED);

    await caller.hears(said('billing'), { heard: 'Your last', wasInterrupted: true });

    expect(await caller.hears(said('no'))).toMatch(/Goodbye/);
  });

  test('before the greeting was heard: a known key is taken, other words get the greeting', async () => {
    const impatient = new Caller(DEMO_FLOW);
    await impatient.hears(STARTED, { heard: '', wasInterrupted: true });
    expect(await impatient.hears(keyed('2'))).toMatch(/^All our systems/);

    const polite = new Caller(DEMO_FLOW);
    await polite.hears(STARTED, { heard: '', wasInterrupted: true });
    expect(await polite.hears(said('hello hello'))).toMatch(/^Hello, and welcome/);
  });

  test('the goodbye: is asked the last question again', async () => {
    const caller = new Caller(DEMO_FLOW);
    await caller.hears(STARTED);
    await caller.hears(keyed('1'));
    await caller.hears(keyed('2'), { heard: 'Thank you', wasInterrupted: true });

    expect(await caller.hears(said('yes'))).toMatch(/^Would you like billing/);
  });

  test.each(['', 'Your last'])(
    'an answer broken off while it was made leaves nothing behind (heard: %j)',
    async (heard) => {
      const caller = new Caller(DEMO_FLOW);
      await caller.hears(STARTED);
      const abort = new AbortController();

      for await (const _part of caller.session.respond(keyed('1'), abort.signal)) abort.abort();
      caller.session.heard(heard, true);

      expect(await caller.hears(keyed('3'))).toMatch(/^We are open/);
    },
  );
});

describe('forms, branches and variables', () => {
  const FLOW = {
    start: 'number',
    fallback: 'sorry',
    variables: { company: 'Acme' },
    nodes: {
      number: {
        type: 'form',
        text: 'Your customer number with {{company}}, please.',
        minDigits: 3,
        maxDigits: 5,
        saveAs: 'customer',
        next: 'size',
      },
      size: {
        type: 'branch',
        on: 'customer',
        cases: [
          { is: 123, next: 'known' },
          { above: 90000, next: 'big' },
        ],
        otherwise: 'sorry',
      },
      known: { type: 'hang_up', text: 'Welcome back, {{customer}}. {{nothing}}' },
      big: { type: 'hang_up', text: 'Welcome, partner.' },
      sorry: { type: 'hang_up', text: 'Sorry.' },
    },
  };

  test('digits are read back, and taken once that is confirmed', async () => {
    const caller = new Caller(FLOW);

    expect(await caller.hears(STARTED)).toBe('Your customer number with Acme, please.');
    expect(caller.expected).toEqual({ type: 'expect', phrases: [], maxDigits: 5 });
    expect(await caller.hears(keyed('123'))).toMatch(/^I got 1 2 3\. Is that right\?/);
    expect(await caller.hears(said('yes'))).toBe('Welcome back, 123. ');
  });

  test('too few digits are asked for again; spoken ones are taken too', async () => {
    const caller = new Caller(FLOW);
    await caller.hears(STARTED);

    expect(await caller.hears(keyed('12'))).toMatch(/^Sorry.*Please use the keys/);
    await caller.hears(said('nine nine nine nine nine'));
    expect(await caller.hears(keyed('1'))).toBe('Welcome, partner.');
  });
});

describe('an endpoint', () => {
  const servers: (() => void)[] = [];
  afterEach(() => {
    for (const close of servers.splice(0)) close();
  });

  test('its answer can be said and branched on; values in the address are encoded', async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.setHeader('content-type', 'application/json').end('{"order":{"state":"sent"}}');
    });
    const caller = new Caller(lookup(`${url}/orders?name={{name}}`));

    expect(await caller.hears(STARTED)).toBe('One moment. It is sent.');
    expect(asked).toEqual(['/orders?name=a%26b']);
  });

  test('a body is sent as JSON, with its templates filled in', async () => {
    const bodies: string[] = [];
    const url = await serve((request, response) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => response.setHeader('content-type', 'application/json').end('{"order":{}}'));
    });
    const caller = new Caller(lookup(url, { body: { who: '{{name}}', list: ['{{name}}', 1] } }));

    await caller.hears(STARTED);

    expect(bodies).toEqual(['{"who":"a&b","list":["a&b",1]}']);
  });

  test.each<[string, RequestListener, string]>([
    ['a status that is no success', (_q, r) => r.writeHead(500).end(), 'status 500'],
    ['an answer that is too large', (_q, r) => r.end('x'.repeat(100_000)), 'the answer is over 65536 bytes'],
    ['a redirect', (_q, r) => r.writeHead(302, { location: '/other' }).end(), 'unexpected redirect'],
    ['silence', () => {}, 'no answer in time'],
  ])('%s leads to onError, with a note that says why', async (_what, answer, reason) => {
    const caller = new Caller(lookup(await serve(answer), { timeoutMs: 150 }));

    expect(await caller.hears(STARTED)).toBe('One moment. That did not work.');
    expect(caller.parts).toContainEqual({
      type: 'note',
      name: 'flow_http_failed',
      data: expect.objectContaining({ node: 'ask', reason }),
    });
  });

  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function lookup(url: string, extra: object = {}) {
    return {
      start: 'ask',
      fallback: 'failed',
      variables: { name: 'a&b' },
      nodes: {
        ask: { type: 'http', url, text: 'One moment.', saveAs: 'answer', next: 'check', onError: 'failed', ...extra },
        check: {
          type: 'branch',
          on: 'answer.body.order.state',
          cases: [{ is: 'sent', next: 'sent' }],
          otherwise: 'failed',
        },
        sent: { type: 'hang_up', text: 'It is {{answer.body.order.state}}.' },
        failed: { type: 'hang_up', text: 'That did not work.' },
      },
    };
  }
});

describe('transfer', () => {
  const FLOW = {
    start: 'over',
    fallback: 'no',
    nodes: {
      over: { type: 'transfer', text: 'I put you through.', to: '+15550001', otherwise: 'no' },
      no: { type: 'hang_up', text: 'Nobody is there.' },
    },
  };

  test('where the line can: announced and done', async () => {
    const caller = new Caller(FLOW, {}, true);

    expect(await caller.hears(STARTED)).toBe('I put you through.');
    expect(caller.parts.at(-1)).toMatchObject({ type: 'transfer', to: '+15550001' });
  });

  test('where it cannot: the flow goes on elsewhere', async () => {
    expect(await new Caller(FLOW).hears(STARTED)).toBe('Nobody is there.');
  });

  const FAILING = {
    start: 'over',
    fallback: 'no',
    variables: { name: 'Ada' },
    nodes: {
      over: { type: 'transfer', to: '+15550001', otherwise: 'no', onFailure: 'why' },
      why: { type: 'branch', on: 'transfer_failure', cases: [{ is: 'busy', next: 'busy' }], otherwise: 'no' },
      busy: { type: 'hang_up', text: 'They are busy, {{name}}.' },
      no: { type: 'hang_up', text: 'Nobody is there.' },
    },
  };
  const failed = (reason: TransferFailure, bookmark: TransferBookmark | null = null) =>
    ({ type: 'transfer_failed', reason, bookmark }) as const;
  const bookmarkOf = ({ parts }: Caller) =>
    parts.flatMap((part) => (part.type === 'transfer' ? [part.bookmark ?? null] : []))[0] ?? null;

  test('one that failed goes on at onFailure, else at otherwise', async () => {
    const busy = new Caller(FAILING, {}, true);
    await busy.hears(STARTED);
    const plain = new Caller(FLOW, {}, true);
    await plain.hears(STARTED);

    expect(await busy.hears(failed('busy', bookmarkOf(busy)))).toBe('They are busy, Ada.');
    expect(await plain.hears(failed('no_answer', bookmarkOf(plain)))).toBe('Nobody is there.');
  });

  test('a caller who comes back in a new attempt goes on there, with the variables of before', async () => {
    const before = new Caller({ ...FAILING, variables: { name: 'Grace' } }, {}, true);
    await before.hears(STARTED);
    const after = new Caller(FAILING, {}, true);

    expect(await after.hears(failed('busy', JSON.parse(JSON.stringify(bookmarkOf(before)))))).toBe(
      'They are busy, Grace.',
    );
  });

  test('without a bookmark, or with one of another flow, the fallback has the caller', async () => {
    expect(await new Caller(FAILING, {}, true).hears(failed('busy'))).toBe('Nobody is there.');
    expect(await new Caller(FAILING, {}, true).hears(failed('busy', { node: 'gone' }))).toBe('Nobody is there.');
  });

  test('variables too large for the record are left out of the bookmark', async () => {
    const caller = new Caller({ ...FAILING, variables: { name: 'x'.repeat(20_000) } }, {}, true);

    await caller.hears(STARTED);

    expect(bookmarkOf(caller)).toEqual({ node: 'over' });
  });

  test('a flow that would transfer for ever is refused', () => {
    const nodes = { ...FAILING.nodes, why: { type: 'say', text: 'Again.', next: 'over' } };

    expect(() => scriptedBrain({ ...FAILING, nodes })).toThrow('go in a circle');
  });
});

/** Somebody on the phone with a flow. */
class Caller {
  readonly session: BrainSession;
  /** Of the last answer. */
  parts: BrainPart[] = [];

  constructor(flow: unknown, call: Partial<BrainCall> = {}, hasTransfer = false) {
    this.session = scriptedBrain(flow).open({
      context: CONTEXT,
      settings: settingsWith(),
      capabilities: {
        clock: 'local',
        maxLeadMs: 20,
        hasDtmfIn: true,
        hasDtmfOut: false,
        hasHold: false,
      },
      hasTransfer,
      isGrammarOnly: false,
      hasSpeechInput: true,
      ...call,
    });
  }

  /** What is said to this input; heard whole unless told otherwise. */
  async hears(input: BrainInput, account?: { heard: string; wasInterrupted: boolean }): Promise<string> {
    this.parts = [];
    for await (const part of this.session.respond(input, new AbortController().signal)) this.parts.push(part);
    const text = this.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
    this.session.heard(account?.heard ?? text, account?.wasInterrupted ?? false);
    return text.replace(/ $/, '');
  }

  get expected(): BrainPart | undefined {
    return this.parts.findLast((part) => part.type === 'expect');
  }
}
