import type { Check } from './check.ts';
import { ok, warn } from './check.ts';
import type { DoctorWorld } from './topic.ts';

/** Mistakes never get here, as nothing starts with them; what was read all the same is told. */
export function settingsCheck({ warnings }: Pick<DoctorWorld, 'warnings'>): Check {
  return {
    name: 'settings',
    run: () => (warnings.length === 0 ? ok('all are understood') : warnings.map((text) => warn(text, 'correct it'))),
  };
}
