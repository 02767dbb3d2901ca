import type { LanguageModel, ModelPart, ModelRequest } from '@assistant/server/core/ports/language-model';

/** Answers request by request as the test tells it, and keeps what it was asked. */
export class ScriptedLanguageModel implements LanguageModel {
  readonly name = 'scripted-model';
  readonly requests: ModelRequest[] = [];
  readonly #answers: readonly (readonly ModelPart[])[];

  constructor(answers: readonly (readonly ModelPart[])[]) {
    this.#answers = answers;
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart> {
    const parts = this.#answers[this.requests.length] ?? [];
    this.requests.push({ ...request, messages: [...request.messages] });
    for (const part of parts) {
      await Promise.resolve();
      if (signal.aborted) return;
      yield part;
    }
  }
}
