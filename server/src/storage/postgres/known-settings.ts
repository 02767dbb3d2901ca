import type { AssistantSettings } from '../../core/assistant/assistant-settings.ts';
import type { CallContext } from '../../core/call/call-context.ts';

const MOST_KNOWN = 200;

/** Settings of assistants' versions, which never change: read from JSON once, and one object for all calls of a version. */
export class KnownSettings {
  readonly #known = new Map<string, AssistantSettings>();

  of({ assistantId, assistantVersion }: CallContext, json: string): AssistantSettings {
    const name = `${assistantId} ${assistantVersion}`;
    const settings = this.#known.get(name) ?? (JSON.parse(json) as AssistantSettings);
    // The one used last stands last.
    this.#known.delete(name);
    this.#known.set(name, settings);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    return settings;
  }
}
