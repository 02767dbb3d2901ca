/** One message of the history a model sees; assistant text holds only words the caller heard. */
export type ModelMessage =
  | { readonly role: 'user' | 'assistant'; readonly text: string }
  | { readonly role: 'tool-call'; readonly id: string; readonly name: string; readonly args: unknown }
  | { readonly role: 'tool-result'; readonly id: string; readonly name: string; readonly result: unknown };

/** A tool as a model sees it. `parameters` is a JSON Schema of type object. */
export type ModelTool = {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
};

export type ModelRequest = {
  readonly instructions: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ModelTool[];
};

export type ModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool-call'; readonly id: string; readonly name: string; readonly args: unknown };

/** A language model. Tool loops are the caller's matter: a stream ends after its tool calls. */
export interface LanguageModel {
  readonly name: string;
  /** @throws AppError provider_failed or provider_refused; ends quietly when `signal` aborts. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}
