import type { ModelBrainSettings } from '../core/assistant/assistant-settings.ts';
import type { TransferFailure } from '../core/call/transfer.ts';
import type { Brain, BrainCall, BrainInput, BrainPart, BrainSession, EarlierTurn } from '../core/ports/brain.ts';
import type { LanguageModel, ModelMessage, ModelPart, ModelTool } from '../core/ports/language-model.ts';

/** A model that calls tools it does not have is told so this often in one answer. */
const MOST_ROUNDS = 3;

const PHONE_MANNERS = [
  'You are speaking with a caller on the phone.',
  'Answer in one to three short sentences of plain spoken words: no lists, no markup, no emoji.',
  'Write numbers, dates and abbreviations as they are spoken.',
  'Text in square brackets comes from the phone system, not from the caller.',
  'When the conversation has come to its end, say goodbye and call hang_up.',
].join(' ');

const KEYS_ONLY =
  'The caller cannot be understood by voice and answers with the keys of the phone: offer keys for every answer.';

/** What of a model's settings the brain follows. */
export type ModelBrainOptions = Pick<ModelBrainSettings, 'instructions' | 'greeting' | 'transferNumbers'>;

/** A brain that thinks with a language model; it remembers of its own words only those the caller heard. */
export function modelBrain(model: LanguageModel, options: ModelBrainOptions): Brain {
  return { name: model.name, fixedTexts: [options.greeting], open: (call) => new ModelSession(model, options, call) };
}

class ModelSession implements BrainSession {
  readonly #model: LanguageModel;
  readonly #options: ModelBrainOptions;
  readonly #instructions: string;
  readonly #tools: readonly ModelTool[];
  readonly #history: ModelMessage[];
  /** What the answer under way is to; it joins the history with what was heard of the answer. */
  #question: ModelMessage | null = null;
  /** What the phone system said and the caller knows nothing of yet: their next words do not make up for it. */
  #notice: ModelMessage | null = null;

  constructor(model: LanguageModel, options: ModelBrainOptions, call: BrainCall) {
    this.#model = model;
    this.#options = options;
    this.#tools = toolsFor(options, call);
    this.#history = (call.earlier ?? []).filter(({ heardText }) => heardText !== '').map(toMessage);
    const parts = [PHONE_MANNERS, ...(call.hasSpeechInput ? [] : [KEYS_ONLY]), options.instructions];
    this.#instructions = parts.join('\n\n');
  }

  async *respond(input: BrainInput, signal: AbortSignal): AsyncIterable<BrainPart> {
    if (input.type === 'started') {
      this.#question = null;
      yield { type: 'text', text: this.#options.greeting };
      return;
    }
    const question: ModelMessage = { role: 'user', text: textOf(input) };
    if (this.#notice && input.type !== 'transfer_failed') this.#history.push(this.#notice);
    this.#notice = input.type === 'transfer_failed' ? question : null;
    this.#question = question;
    const messages = [...this.#history, question];
    for (let round = 0; round < MOST_ROUNDS && !signal.aborted; round++) {
      const refused = yield* this.#round(messages, signal);
      if (refused.length === 0) return;
      messages.push(...refused);
    }
  }

  heard(text: string, wasInterrupted: boolean): void {
    const question = this.#question;
    this.#question = null;
    const isUnheard = wasInterrupted && text === '';
    if (!isUnheard) this.#notice = null;
    // The same input comes again, with more: it must not be there twice.
    if (isUnheard) return;
    if (question) this.#history.push(question);
    if (text !== '') this.#history.push({ role: 'assistant', text });
  }

  close(): void {}

  /** One answer of the model. Returns what was said and done with tools it does not have: then it is to go on. */
  async *#round(
    messages: readonly ModelMessage[],
    signal: AbortSignal,
  ): AsyncGenerator<BrainPart, readonly ModelMessage[], void> {
    const refused: ModelMessage[] = [];
    let said = '';
    const request = { instructions: this.#instructions, messages, tools: this.#tools };
    for await (const part of this.#model.stream(request, signal)) {
      if (signal.aborted) return [];
      if (part.type === 'text') {
        said += part.text;
        yield part;
        continue;
      }
      const deed = this.#deedOf(part);
      if (deed) yield deed;
      else refused.push(...refusalOf(part));
    }
    if (refused.length === 0 || said === '') return refused;
    return [{ role: 'assistant', text: said }, ...refused];
  }

  /** What a tool call stands for; null for a tool or a number there is not. */
  #deedOf(call: ToolCall): BrainPart | null {
    if (!this.#tools.some((tool) => tool.name === call.name)) return null;
    if (call.name === HANG_UP.name) return { type: 'hang_up' };
    const to = this.#options.transferNumbers?.[nameOfTransfer(call.args)];
    return to === undefined ? null : { type: 'transfer', to };
  }
}

type ToolCall = Extract<ModelPart, { readonly type: 'tool-call' }>;

const HANG_UP: ModelTool = {
  name: 'hang_up',
  description: 'Ends the call once everything you said was heard. Say goodbye first.',
  parameters: { type: 'object', properties: {}, additionalProperties: false },
};

/** Only what the line can do is offered. */
function toolsFor({ transferNumbers = {} }: ModelBrainOptions, { hasTransfer }: BrainCall): readonly ModelTool[] {
  const names = Object.keys(transferNumbers);
  if (!hasTransfer || names.length === 0) return [HANG_UP];
  const transfer: ModelTool = {
    name: 'transfer',
    description: 'Hands the caller to a person or department, once everything you said was heard.',
    parameters: {
      type: 'object',
      properties: { to: { type: 'string', enum: names } },
      required: ['to'],
      additionalProperties: false,
    },
  };
  return [HANG_UP, transfer];
}

const WHY_NOT: Readonly<Record<TransferFailure, string>> = {
  busy: 'the line is busy',
  no_answer: 'nobody answered',
  rejected: 'the call was not taken',
  unreachable: 'it cannot be reached now',
  cancelled: 'it was called off',
};

function nameOfTransfer(args: unknown): string {
  return typeof args === 'object' && args !== null && 'to' in args && typeof args.to === 'string' ? args.to : '';
}

function refusalOf({ id, name, args }: ToolCall): ModelMessage[] {
  return [
    { role: 'tool-call', id, name, args },
    { role: 'tool-result', id, name, result: { error: 'There is no such tool or target. Go on without it.' } },
  ];
}

function toMessage({ role, heardText }: EarlierTurn): ModelMessage {
  return { role: role === 'assistant' ? 'assistant' : 'user', text: heardText };
}

function textOf(input: BrainInput): string {
  switch (input.type) {
    case 'started':
      return '[The caller was connected]';
    case 'said':
      return input.text;
    case 'digits':
      return `[The caller pressed ${input.digits}]`;
    case 'not_understood':
      return '[The caller said something that could not be understood]';
    case 'transfer_failed':
      return `[The caller was not put through: ${WHY_NOT[input.reason]}. The caller is with you again: say so and go on]`;
  }
}
