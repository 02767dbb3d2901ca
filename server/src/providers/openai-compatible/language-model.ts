import type { JSONValue, ModelMessage as SdkMessage, ToolSet } from 'ai';
import { AppError } from '../../core/errors.ts';
import type {
  LanguageModel,
  ModelMessage,
  ModelPart,
  ModelRequest,
  ModelTool,
} from '../../core/ports/language-model.ts';
import { type Connection, PROVIDER_NAME } from './connection.ts';
import { OPENAI_DEFAULTS } from './settings.ts';
import { refusalError } from './vendor-error.ts';

/** A language model over `/chat/completions`, streamed. */
export function openLanguageModel(connection: Connection, modelId?: string): LanguageModel {
  return new OpenAiLanguageModel(connection, modelId ?? connection.settings.model ?? OPENAI_DEFAULTS.model);
}

class OpenAiLanguageModel implements LanguageModel {
  readonly name = PROVIDER_NAME;
  readonly #connection: Connection;
  readonly #modelId: string;

  constructor(connection: Connection, modelId: string) {
    this.#connection = connection;
    this.#modelId = modelId;
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart> {
    if (signal.aborted) return;
    const sdk = await loadSdk();
    using patience = this.#connection.patience(signal);
    const { apiKey } = this.#connection.settings;
    const provider = sdk.createOpenAICompatible({
      name: PROVIDER_NAME,
      baseURL: this.#connection.baseUrl,
      // A key goes to the server it was given for and to no other.
      fetch: (input, init) => fetch(input, { ...init, redirect: 'error' }),
      ...(apiKey ? { apiKey } : {}),
    });
    const result = sdk.streamText({
      model: provider.chatModel(this.#modelId),
      instructions: request.instructions,
      messages: toSdkMessages(request.messages),
      tools: toSdkTools(request.tools, sdk),
      maxRetries: 0,
      abortSignal: patience.signal,
      // Errors are read from the stream; without this they are printed as well.
      onError: () => undefined,
    });
    try {
      for await (const part of result.stream) {
        if (signal.aborted) return;
        if (part.type === 'abort') throw patience.signal.reason;
        if (part.type === 'error') throw part.error;
        if (part.type === 'finish') checkFinish(part.finishReason);
        // These two are made on our side before anything came.
        if (part.type !== 'start' && part.type !== 'start-step') patience.heard();
        if (part.type === 'text-delta' && part.text) yield { type: 'text', text: part.text };
        // Also with a name or arguments that fit no tool: the caller answers those, and the model may correct itself.
        if (part.type === 'tool-call') {
          yield { type: 'tool-call', id: part.toolCallId, name: part.toolName, args: part.input };
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      throw this.#errorOf(error, sdk);
    }
  }

  #errorOf(error: unknown, sdk: Sdk): Error {
    if (sdk.APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 300) {
      const refusal = {
        status: error.statusCode,
        body: error.responseBody ?? error.message,
        retryAfter: error.responseHeaders?.['retry-after'],
      };
      return refusalError(PROVIDER_NAME, refusal, this.#connection.settings.apiKey);
    }
    return this.#connection.error(error);
  }
}

type Sdk = Awaited<ReturnType<typeof loadSdk>>;

/** On first use: importing takes 0.15 s and 25 MB, which a server without a model need not spend. */
async function loadSdk() {
  const [{ streamText, jsonSchema, APICallError }, { createOpenAICompatible }] = await Promise.all([
    import('ai'),
    import('@ai-sdk/openai-compatible'),
  ]);
  return { streamText, jsonSchema, APICallError, createOpenAICompatible };
}

function checkFinish(reason: string): void {
  if (reason === 'content-filter') {
    throw new AppError('provider_refused', { detail: `${PROVIDER_NAME}: the content filter stopped the answer` });
  }
  if (reason === 'error') throw new AppError('provider_failed', { detail: `${PROVIDER_NAME} broke off its answer` });
}

/** Without `execute`: the caller runs the tools. */
function toSdkTools(tools: readonly ModelTool[], { jsonSchema }: Pick<Sdk, 'jsonSchema'>): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [name, { description, inputSchema: jsonSchema(parameters) }]),
  );
}

/** Calls made in one breath belong into one assistant message, with the words before them; servers insist on it. */
function toSdkMessages(messages: readonly ModelMessage[]): SdkMessage[] {
  const mapped: SdkMessage[] = [];
  for (const message of messages) {
    const last = mapped.at(-1);
    if (message.role === 'user') mapped.push({ role: 'user', content: message.text });
    else if (message.role === 'assistant') {
      if (message.text) mapped.push({ role: 'assistant', content: [{ type: 'text', text: message.text }] });
    } else if (message.role === 'tool-call') {
      const call = { type: 'tool-call', toolCallId: message.id, toolName: message.name, input: message.args } as const;
      if (last?.role === 'assistant' && Array.isArray(last.content)) last.content.push(call);
      else mapped.push({ role: 'assistant', content: [call] });
    } else if (message.role === 'tool-result') {
      const output = { type: 'json', value: (message.result ?? null) as JSONValue } as const;
      const result = { type: 'tool-result', toolCallId: message.id, toolName: message.name, output } as const;
      if (last?.role === 'tool') last.content.push(result);
      else mapped.push({ role: 'tool', content: [result] });
    }
  }
  return mapped;
}
