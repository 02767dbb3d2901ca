import type { BrainCall, BrainInput, BrainPart, BrainSession } from '../../core/ports/brain.ts';
import { readBookmark, writeBookmark } from './bookmark.ts';
import { callEndpoint } from './call-endpoint.ts';
import type { Flow, NodeOf } from './flow-schema.ts';
import { follow } from './follow-branch.ts';
import { Prompts } from './prompts.ts';
import type { Question, Verdict } from './questions.ts';
import { isQuestion, judgeAnswer, judgeYesNo } from './questions.ts';
import type { Variables } from './template.ts';
import { fillIn } from './template.ts';

/** A question is asked so often again before the caller is sent to the fallback. */
const MOST_REPROMPTS = 2;

/** Where a caller is in a flow. */
type Place = {
  /** The question that waits for an answer; null before the first. */
  readonly at: string | null;
  /** What an answer leads to that must be said yes to first. */
  readonly pending: { readonly next: string; readonly saved: Variables } | null;
  /** Times this question was not answered. */
  readonly misses: number;
  readonly variables: Variables;
};

type TransferFailed = Extract<BrainInput, { readonly type: 'transfer_failed' }>;

/** The parts of an answer, and where it leaves the caller. */
type Way = AsyncGenerator<BrainPart, Place, void>;

/** One caller's way through a flow. */
export class FlowSession implements BrainSession {
  readonly #flow: Flow;
  readonly #call: BrainCall;
  readonly #prompts: Prompts;
  #place: Place;
  /** Where the caller was before the last answer: back there when not a word of it was heard. */
  #before: Place;

  constructor(flow: Flow, call: BrainCall) {
    const { context, hasSpeechInput } = call;
    this.#flow = flow;
    this.#call = call;
    this.#prompts = new Prompts(hasSpeechInput);
    const variables = { from: context.from, to: context.to, ...flow.variables, ...context.args };
    this.#place = { at: null, pending: null, misses: 0, variables };
    this.#before = this.#place;
  }

  async *respond(input: BrainInput, signal: AbortSignal): AsyncIterable<BrainPart> {
    this.#before = this.#place;
    const way = this.#answer(input, signal);
    for (let next = await way.next(); ; next = await way.next()) {
      if (signal.aborted) return;
      if (next.done === true) {
        this.#place = next.value;
        return;
      }
      yield next.value;
    }
  }

  heard(text: string, wasInterrupted: boolean): void {
    if (wasInterrupted && text === '') this.#place = this.#before;
  }

  close(): void {}

  async *#answer(input: BrainInput, signal: AbortSignal): Way {
    const place = this.#place;
    if (input.type === 'transfer_failed') return yield* this.#afterTransfer(input, place, signal);
    const known = place.at === null && input.type !== 'started' ? this.#atFirstQuestion(place) : place;
    const node = known.at === null ? undefined : this.#flow.nodes[known.at];
    if (input.type === 'started' || !isQuestion(node)) return yield* this.#walk(this.#flow.start, place, signal);
    const verdict = known.pending
      ? judgeYesNo(input, known.pending)
      : judgeAnswer(node, input, this.#call.isGrammarOnly);
    // Somebody who speaks before the greeting was heard gets the greeting.
    if (verdict.type === 'missed' && place.at === null) return yield* this.#walk(this.#flow.start, place, signal);
    return yield* this.#act(verdict, node, known, signal);
  }

  /** The caller was not put through; in a new attempt of the call all that is known is the bookmark. */
  async *#afterTransfer({ reason, bookmark }: TransferFailed, place: Place, signal: AbortSignal): Way {
    const { node: name, variables } = readBookmark(bookmark);
    const node = name === null ? undefined : this.#flow.nodes[name];
    const next = node?.type === 'transfer' ? (node.onFailure ?? node.otherwise) : this.#flow.fallback;
    const known = { ...place.variables, ...variables, transfer_failure: reason };
    return yield* this.#walk(next, { ...place, pending: null, variables: known }, signal);
  }

  async *#act(verdict: Verdict, node: Question, place: Place, signal: AbortSignal): Way {
    switch (verdict.type) {
      case 'go': {
        const variables = { ...place.variables, ...verdict.saved };
        return yield* this.#walk(verdict.next, { ...place, variables, pending: null }, signal);
      }
      case 'confirm':
        yield say(this.#prompts.readBack(verdict.answer));
        yield this.#prompts.expectYesNo();
        return { ...place, pending: { next: verdict.next, saved: verdict.saved } };
      case 'refused':
        return yield* this.#askAgain(node, place, 'Let us try again.', signal);
      case 'missed':
        return yield* this.#askAgain(node, place, 'Sorry, I did not understand that.', signal);
    }
  }

  /** Asks again, twice; then the fallback has the caller. */
  async *#askAgain(node: Question, place: Place, sorry: string, signal: AbortSignal): Way {
    const misses = place.misses + 1;
    if (misses > MOST_REPROMPTS) {
      yield { type: 'note', name: 'flow_fallback', data: { node: place.at } };
      return yield* this.#walk(node.fallback ?? this.#flow.fallback, { ...place, pending: null }, signal);
    }
    yield say(`${sorry} ${fillIn(this.#prompts.again(node), place.variables)}`);
    yield this.#prompts.expect(node);
    return { ...place, pending: null, misses };
  }

  /** Follows the flow to its next question or its end; that there is one was checked when the flow was read. */
  async *#walk(start: string, from: Place, signal: AbortSignal): Way {
    let place = from;
    let name = start;
    for (let node = this.#flow.nodes[name]; node; node = this.#flow.nodes[name]) {
      yield { type: 'note', name: 'flow_node', data: { node: name } };
      switch (node.type) {
        case 'ask':
        case 'form':
        case 'confirm':
          yield say(fillIn(this.#prompts.first(node), place.variables));
          yield this.#prompts.expect(node);
          return { ...place, at: name, pending: null, misses: 0 };
        case 'hang_up':
          yield* sayIfAny(node.text, place.variables);
          yield { type: 'hang_up' };
          return place;
        case 'say':
          yield say(fillIn(node.text, place.variables));
          name = node.next;
          break;
        case 'branch':
          name = follow(node, place.variables);
          break;
        case 'http': {
          const found = yield* this.#lookUp(node, name, place.variables, signal);
          name = found === null ? node.onError : node.next;
          place = { ...place, variables: { ...place.variables, ...found } };
          break;
        }
        case 'transfer':
          if (this.#call.hasTransfer) return yield* transfer(name, node, place);
          name = node.otherwise;
          break;
      }
    }
    return place;
  }

  /** Asks the endpoint; null when that failed. */
  async *#lookUp(
    node: NodeOf<'http'>,
    name: string,
    variables: Variables,
    signal: AbortSignal,
  ): AsyncGenerator<BrainPart, Variables | null, void> {
    yield* sayIfAny(node.text, variables);
    const result = await callEndpoint(node, variables, signal);
    if (result.isOk) return { [node.saveAs]: result.answer };
    yield { type: 'note', name: 'flow_http_failed', data: { node: name, ...result.failure } };
    return null;
  }

  /** The question somebody is at who speaks or keys before the greeting was heard: only past plain words. */
  #atFirstQuestion(place: Place): Place {
    let name = this.#flow.start;
    let node = this.#flow.nodes[name];
    while (node?.type === 'say') {
      name = node.next;
      node = this.#flow.nodes[name];
    }
    return isQuestion(node) ? { ...place, at: name } : place;
  }
}

function* transfer(name: string, node: NodeOf<'transfer'>, place: Place): Generator<BrainPart, Place, void> {
  yield* sayIfAny(node.text, place.variables);
  const bookmark = writeBookmark(name, place.variables);
  yield { type: 'transfer', to: fillIn(node.to, place.variables), bookmark };
  return place;
}

function* sayIfAny(text: string | undefined, variables: Variables): Generator<BrainPart, void, void> {
  if (text !== undefined) yield say(fillIn(text, variables));
}

/** A part ends with a space, so that sentences of two nodes do not melt together. */
function say(text: string): BrainPart {
  return { type: 'text', text: `${text} ` };
}
