import { OWN_PREFIXES, SETTINGS, type SettingName } from './settings.ts';

/** A warning for each name that was surely meant for us and is not ours, with the nearest name that is. */
export function warnOfUnknownNames(names: readonly string[]): string[] {
  return names
    .filter((name) => !Object.hasOwn(SETTINGS, name) && isMeantForUs(name))
    .map((name) => `${name} is not a setting and is ignored; did you mean ${nearestName(name)}?`);
}

/** By prefix, or the same letters with other underscores: SIP_PORT, sip__port, AUDIO_SOCKET__PORT. */
function isMeantForUs(name: string): boolean {
  if (OWN_PREFIXES.some((prefix) => name.toUpperCase().startsWith(prefix))) return true;
  return name.includes('_') && Object.keys(SETTINGS).some((known) => squeeze(known) === squeeze(name));
}

function nearestName(name: string): SettingName {
  const known = Object.keys(SETTINGS) as SettingName[];
  return known.reduce((best, next) => (distance(name, next) < distance(name, best) ? next : best));
}

function squeeze(name: string): string {
  return name.toUpperCase().replaceAll('_', '');
}

/** Leaving a word out (POSTGRES__USER) is likelier than writing another one. */
const MISSING_LETTER = 0.5;

/** Levenshtein distance from the written to the known name, squeezed, row by row. */
function distance(left: string, right: string): number {
  const [a, b] = [squeeze(left), squeeze(right)];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column * MISSING_LETTER);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + MISSING_LETTER));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
