import { AppError } from '../../core/errors.ts';
import type { BrainInput, BrainPart, BrainSession } from '../../core/ports/brain.ts';
import {
  type Choice,
  choiceByDigits,
  choiceByWords,
  digitsInWords,
  labelOf,
  NO,
  NO_DIGIT,
  YES,
  YES_DIGIT,
  yesOrNo,
} from './answers.ts';
import { callEndpoint } from './call-endpoint.ts';
import type { AskNode, ConfirmNode, Flow, FlowNode, FormNode } from './flow-schema.ts';
import { fillTemplate, type Variables, valueAt } from './template.ts';

/** What the flow waits for. `attempts`: how often it was asked again. */
type Waiting =
  | { readonly type: 'nothing' }
  | { readonly type: 'answer'; readonly node: AskNode | FormNode | ConfirmNode; readonly attempts: number }
  /** The caller's answer was read back. */
  | {
      readonly type: 'yes_or_no';
      readonly node: AskNode | FormNode;
      readonly question: string;
      readonly attempts: number;
      readonly accept: Accept;
    }
  | { readonly type: 'end' };

type Accept = { readonly value: string; readonly next: string };

/** Where an answer leads: on to a node, or to a question, with what is to be said. */
type Move = { readonly parts: readonly BrainPart[]; readonly variables: Variables } & (
  | { readonly next: string }
  | { readonly waiting: Waiting }
);

const DEFAULT_RETRIES = 2;
const MOST_STEPS = 100;

export type FlowSessionOptions = {
  readonly flow: Flow;
  readonly variables: Variables;
  /** The recogniser cannot reject: what was heard by voice is asked back. */
  readonly isGrammarOnly: boolean;
  readonly hasSpeechInput: boolean;
};

/**
 * One call's way through a flow. The state moves on only when an answer was given whole: a caller who interrupts is answered
 * from the question that stood before.
 */
export class FlowSession implements BrainSession {
  readonly #flow: Flow;
  readonly #options: FlowSessionOptions;
  #variables: Variables;
  #waiting: Waiting = { type: 'nothing' };

  constructor(options: FlowSessionOptions) {
    this.#flow = options.flow;
    this.#options = options;
    this.#variables = { ...options.flow.variables, ...options.variables };
  }

  async *respond(input: BrainInput, signal: AbortSignal): AsyncIterable<BrainPart> {
    const move = this.#answer(input);
    yield* move.parts;
    if ('waiting' in move) {
      this.#commit(move.waiting, move.variables);
      return;
    }
    yield* this.#walk(move.next, move.variables, signal);
  }

  /** A flow does not look back: what was heard changes nothing. */
  heard(): void {}

  close(): void {
    this.#waiting = { type: 'end' };
  }

  #commit(waiting: Waiting, variables: Variables): void {
    this.#waiting = waiting;
    this.#variables = variables;
  }

  /** From a node on to the next that waits for the caller, or to the end. */
  async *#walk(first: string, before: Variables, signal: AbortSignal): AsyncIterable<BrainPart> {
    let name = first;
    let variables = before;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const node = this.#node(name);
      if (node.type === 'http') {
        if (node.text) yield text(fillTemplate(node.text, variables));
        const answer = await callEndpoint(node, variables, signal);
        if (signal.aborted) return;
        if (answer.type === 'failed')
          yield { type: 'note', name: 'flow.endpoint_failed', data: { node: name, reason: answer.reason } };
        if (answer.type === 'answered') variables = { ...variables, [node.variable]: answer.value };
        name = answer.type === 'answered' ? node.next : node.failed;
        continue;
      }
      if (node.type === 'branch') {
        const value = valueAt(node.variable, variables);
        name = node.cases.find((each) => fillTemplate(each.equals, variables) === value)?.next ?? node.otherwise;
        continue;
      }
      if (node.text) yield text(fillTemplate(node.text, variables));
      if (node.type === 'say') {
        name = node.next;
        continue;
      }
      this.#commit(
        node.type === 'transfer' || node.type === 'hang_up' ? { type: 'end' } : { type: 'answer', node, attempts: 0 },
        variables,
      );
      yield this.#close(node, variables);
      return;
    }
    throw new AppError('internal', { detail: `the flow took ${MOST_STEPS} steps without waiting for the caller` });
  }

  #close(node: Exclude<FlowNode, { readonly type: 'say' | 'branch' | 'http' }>, variables: Variables): BrainPart {
    if (node.type === 'hang_up') return { type: 'hang_up' };
    if (node.type === 'transfer') return { type: 'transfer', to: fillTemplate(node.to, variables) };
    return expectation(node);
  }

  #answer(input: BrainInput): Move {
    const waiting = this.#waiting;
    const variables = this.#variables;
    if (waiting.type === 'nothing') return { parts: [], variables, next: this.#flow.start };
    if (waiting.type === 'end') return { parts: [{ type: 'hang_up' }], variables, waiting };
    if (waiting.type === 'yes_or_no') return this.#answerReadBack(waiting, input);
    const { node } = waiting;
    if (node.type === 'ask') return this.#answerAsk(node, waiting, input);
    if (node.type === 'form') return this.#answerForm(node, waiting, input);
    const verdict = verdictOf(input);
    if (verdict === null) return this.#again(waiting);
    return { parts: [], variables, next: verdict ? node.yes : node.no };
  }

  #answerAsk(node: AskNode, waiting: Waiting & { readonly type: 'answer' }, input: BrainInput): Move {
    const choice = choose(node, input);
    if (!choice) return this.#again(waiting);
    const accept = { value: labelOf(choice), next: choice.next };
    const isHeard = input.type === 'said';
    if (isHeard && this.#options.isGrammarOnly && (node.isConfirmed ?? true)) {
      return this.#readBack(node, accept, `You said ${accept.value}, is that right?`);
    }
    return this.#take(node, accept);
  }

  #answerForm(node: FormNode, waiting: Waiting & { readonly type: 'answer' }, input: BrainInput): Move {
    const digits = input.type === 'digits' ? input.digits : input.type === 'said' ? digitsInWords(input.text) : '';
    if (digits.length < node.minDigits || digits.length > node.maxDigits) return this.#again(waiting);
    const accept = { value: digits, next: node.next };
    if (!(node.isReadBack ?? true)) return this.#take(node, accept);
    return this.#readBack(node, accept, `I have ${Array.from(digits).join(' ')}. Is that right?`);
  }

  #take(node: AskNode | FormNode, { value, next }: Accept): Move {
    const variables = node.variable ? { ...this.#variables, [node.variable]: value } : this.#variables;
    return { parts: [], variables, next };
  }

  #readBack(node: AskNode | FormNode, accept: Accept, words: string): Move {
    const howTo = this.#options.hasSpeechInput
      ? `Say yes or press ${YES_DIGIT}; say no or press ${NO_DIGIT}.`
      : `Press ${YES_DIGIT} for yes or ${NO_DIGIT} for no.`;
    const question = `${words} ${howTo}`;
    const waiting = { type: 'yes_or_no', node, question, attempts: 0, accept } as const;
    return { parts: [text(question), YES_OR_NO], variables: this.#variables, waiting };
  }

  #answerReadBack(waiting: Waiting & { readonly type: 'yes_or_no' }, input: BrainInput): Move {
    const { node, accept, question, attempts } = waiting;
    const verdict = verdictOf(input);
    if (verdict === true) return this.#take(node, accept);
    const ask = { type: 'answer', node, attempts: 0 } as const;
    if (verdict === false) return this.#repeat(ask, 'Let us try again.', node.text);
    // A caller who answers the first question once more corrects us.
    if (node.type === 'ask' && choose(node, input)) return this.#answerAsk(node, ask, input);
    if (attempts >= retriesOf(node)) return { parts: [], variables: this.#variables, next: node.fallback };
    const again = { ...waiting, attempts: attempts + 1 };
    return { parts: [text(`${this.#flow.sorry} ${question}`), YES_OR_NO], variables: this.#variables, waiting: again };
  }

  #again(waiting: Waiting & { readonly type: 'answer' }): Move {
    const { node, attempts } = waiting;
    if (attempts >= retriesOf(node)) return { parts: [], variables: this.#variables, next: node.fallback };
    return this.#repeat({ ...waiting, attempts: attempts + 1 }, this.#flow.sorry, node.text);
  }

  #repeat(waiting: Waiting & { readonly type: 'answer' }, excuse: string, question: string): Move {
    const words = `${excuse} ${fillTemplate(question, this.#variables)}`;
    return { parts: [text(words), expectation(waiting.node)], variables: this.#variables, waiting };
  }

  #node(name: string): FlowNode {
    const node = this.#flow.nodes.get(name);
    if (!node) throw new AppError('internal', { detail: `the flow has no node ${name}` });
    return node;
  }
}

const YES_OR_NO: BrainPart = { type: 'expect', phrases: [...YES, ...NO], maxDigits: 1 };

function text(words: string): BrainPart {
  return { type: 'text', text: words };
}

function expectation(node: AskNode | FormNode | ConfirmNode): BrainPart {
  if (node.type === 'confirm') return YES_OR_NO;
  if (node.type === 'form') return { type: 'expect', phrases: [], maxDigits: node.maxDigits };
  const phrases = node.choices.flatMap((choice) => choice.words ?? []);
  const maxDigits = Math.max(0, ...node.choices.map((choice) => choice.digits?.length ?? 0));
  return { type: 'expect', phrases, maxDigits };
}

function choose(node: AskNode, input: BrainInput): Choice | null {
  if (input.type === 'digits') return choiceByDigits(node.choices, input.digits);
  return input.type === 'said' ? choiceByWords(node.choices, input.text) : null;
}

function verdictOf(input: BrainInput): boolean | null {
  if (input.type === 'said') return yesOrNo(input.text);
  if (input.type !== 'digits') return null;
  return input.digits === YES_DIGIT ? true : input.digits === NO_DIGIT ? false : null;
}

function retriesOf(node: AskNode | FormNode | ConfirmNode): number {
  return node.retries ?? DEFAULT_RETRIES;
}
