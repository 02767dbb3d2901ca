const DEFAULT_TIMEOUT_MS = 20_000;

/** Things that come one after the other and are waited for one after the other. */
export class Arrivals<Item> {
  readonly #here: Item[] = [];
  readonly #waiting: ((item: Item) => void)[] = [];

  add(item: Item): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(item);
    else this.#here.push(item);
  }

  /** The next one nobody has taken. @throws Error when none comes. */
  async next(what: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Item> {
    const [first] = this.#here.splice(0, 1);
    if (first !== undefined) return first;
    const { promise, resolve, reject } = Promise.withResolvers<Item>();
    this.#waiting.push(resolve);
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`));
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
