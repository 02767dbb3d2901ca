import type { Check } from './check.ts';
import { settingsCheck } from './settings.ts';
import type { DoctorTopic } from './topic.ts';

/** Everything an installation needs to be called. */
export const house: DoctorTopic = {
  word: '',
  help: [['doctor', 'look whether calls can come: settings, data, public host, carriers, ports, speech']],
  options: {},
  checks: (world): readonly Check[] => [settingsCheck(world)],
};
