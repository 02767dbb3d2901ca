import type { Assistant } from '../core/assistant/assistant.ts';
import type { AssistantId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { Clock } from '../core/ports/clock.ts';

const REMEMBERED_MS = 1_000;
const MOST_REMEMBERED = 1_000;

type Found = Promise<Assistant | null>;

/** Assistants as calls over our own listeners need them: each is read once a second, so a new version answers a second later. */
export class RememberedAssistants implements Pick<AssistantRepository, 'find'> {
  readonly #parts: { readonly assistants: Pick<AssistantRepository, 'find'>; readonly clock: Clock };
  /** The one read last stands last. */
  readonly #remembered = new Map<AssistantId, { readonly found: Found; readonly untilMs: number }>();

  constructor(parts: { readonly assistants: Pick<AssistantRepository, 'find'>; readonly clock: Clock }) {
    this.#parts = parts;
  }

  /** One that is not there, or could not be read, is asked for again. */
  async find(id: AssistantId): Found {
    const nowMs = this.#parts.clock.nowMs();
    const known = this.#remembered.get(id);
    if (known && nowMs < known.untilMs) return known.found;
    const found = this.#parts.assistants.find(id);
    this.#remembered.delete(id);
    this.#remembered.set(id, { found, untilMs: nowMs + REMEMBERED_MS });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    const forget = () => {
      if (this.#remembered.get(id)?.found === found) this.#remembered.delete(id);
    };
    found.then((assistant) => assistant ?? forget(), forget);
    return found;
  }
}
