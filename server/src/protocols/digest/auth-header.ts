/** The parameters of an auth header, names in lower case, quotes undone. */
export type AuthParams = ReadonlyMap<string, string>;

const MAX_PARAMS = 32;
// name = token | "quoted"; the two are told apart by the quote, so no part can be matched in two ways.
const PARAM = /\s*([A-Za-z0-9-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)/y;

/** Parses `Digest name=value, name="value"` (RFC 7616, 3.3 and 3.4); undefined for another scheme or a malformed list. */
export function parseDigestHeader(text: string): AuthParams | undefined {
  const scheme = /^\s*Digest\s+/i.exec(text);
  if (!scheme) return undefined;
  const params = new Map<string, string>();
  PARAM.lastIndex = scheme[0].length;
  while (PARAM.lastIndex < text.length) {
    const [, name, quoted, token] = PARAM.exec(text) ?? [];
    if (name === undefined || params.size >= MAX_PARAMS) return undefined;
    const key = name.toLowerCase();
    if (params.has(key)) return undefined;
    params.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
  }
  return params;
}

/** Prints a digest header; the names of RFC 7616 that must not be quoted are not. */
export function printDigestHeader(
  params: Readonly<Record<string, string | undefined>>,
  unquoted: readonly string[],
): string {
  const parts = Object.entries(params).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [`${name}=${unquoted.includes(name) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`}`];
  });
  return `Digest ${parts.join(', ')}`;
}
