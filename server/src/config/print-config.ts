import type { Config } from './config.ts';
import type { Secrets } from './secrets.ts';

/** The configuration in force, one `path = value` a line; of secrets only whether they are set. */
export function printConfig(config: Config, secrets: Secrets): string {
  const settings = flatten(config, '').map(([path, value]) => `${path} = ${value}`);
  const hidden = Object.entries(secrets).map(
    ([name, value]) => `secrets.${name} = ${isSet(value) ? '***' : 'not set'}`,
  );
  return [...settings, ...hidden].join('\n');
}

function flatten(value: unknown, path: string): (readonly [string, string])[] {
  if (Array.isArray(value)) return [[path, value.join(', ')]];
  if (value === null) return [[path, 'not set']];
  if (typeof value !== 'object') return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path === '' ? key : `${path}.${key}`));
}

function isSet(secret: unknown): boolean {
  return Array.isArray(secret) ? secret.length > 0 : secret !== null;
}
