/**
 * The path of a request target for comparing: without origin (RFC 9112, 3.2.2: proxies send absolute targets), query and
 * doubled slashes, decoded where it can be. What routes see may differ in letters that do not decode.
 */
export function requestPath(rawTarget: string): string {
  const path = rawTarget.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] ?? '';
  return decode(path).replace(/\/{2,}/g, '/');
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
