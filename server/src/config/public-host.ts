import type { SettingReader } from './setting-reader.ts';
import { parseHost, parsePort } from './setting-values.ts';

/** Reads a host that is told to others: a scheme, user or path is removed with a warning, a port may stay. */
export function readPublicHost(
  settings: SettingReader,
  name: 'PUBLIC_ASSISTANT_HOST' | 'AUDIOSOCKET__PUBLIC_HOST',
): string | null {
  return settings.read(name, null, (text) => {
    const bare = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/s, '');
    if (bare !== text)
      settings.warnings.push(`${name} is used as "${bare}": it takes a host name, without scheme or path`);
    checkHostAndPort(bare);
    return bare;
  });
}

function checkHostAndPort(text: string): void {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text) ?? [];
  parseHost(host ?? text);
  if (port !== undefined) parsePort(port);
}
