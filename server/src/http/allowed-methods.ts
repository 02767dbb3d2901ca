import { requestPath } from './request-path.ts';

/** The methods each address takes, to tell "no such address" (404) from "not that method" (405, RFC 9110, 15.5.6). */
export class AllowedMethods {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** @param url a route of ours, its parameters as `:name`. */
  add(url: string, methods: readonly string[]): void {
    const pattern = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+');
    this.#routes.push({ pattern: new RegExp(`^${pattern.replace(/\/$/, '')}/?$`), methods });
  }

  /** Empty when nothing is at that address. */
  of(rawUrl: string): readonly string[] {
    const path = requestPath(rawUrl);
    const found = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
    return [...new Set(found)].sort();
  }
}
