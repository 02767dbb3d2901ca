import { inspect } from 'node:util';

const HIDDEN = '***';

/** A value that no log, error, JSON or debugger print shows: it comes out only where `expose` is called. */
export class Secret<Value extends string | Uint8Array = string> {
  readonly #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  expose(): Value {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
