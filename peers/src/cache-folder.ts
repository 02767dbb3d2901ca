import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '..', '..');

/** Where what was fetched is kept between runs: $XDG_CACHE_HOME/assistant-api, else .cache in the repository. */
export function cacheFolder(name: string): string {
  const xdg = process.env['XDG_CACHE_HOME'];
  return xdg ? join(xdg, 'assistant-api', name) : join(REPOSITORY, '.cache', name);
}

/** The repository's root, for starting its own programs. */
export function repositoryFolder(): string {
  return REPOSITORY;
}
