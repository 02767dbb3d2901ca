import { editDistance } from '../core/edit-distance.ts';
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

function distance(written: string, known: string): number {
  return editDistance(squeeze(written), squeeze(known), MISSING_LETTER);
}
