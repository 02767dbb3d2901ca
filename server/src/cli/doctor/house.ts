import { carrierCredentialChecks } from '../../channels/credential-checks.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { systemRandom } from '../../runtime/system-random.ts';
import { accountsCheck, gapsCheck } from './carriers.ts';
import type { Check } from './check.ts';
import { databaseCheck, dataDirCheck, keyringCheck } from './data.ts';
import { Installation } from './installation.ts';
import { portsCheck } from './ports.ts';
import { publicHostCheck } from './public-host.ts';
import { settingsCheck } from './settings.ts';
import { speechCheck } from './speech.ts';
import type { DoctorTopic } from './topic.ts';

/** Everything an installation needs to be called. */
export const house: DoctorTopic = {
  word: '',
  help: [['doctor', 'look whether calls can come: settings, data, public host, accounts, ports, speech']],
  options: {},
  checks: (world, _options, stack): readonly Check[] => {
    const { config, secrets } = world;
    const installation = new Installation(world, stack);
    const installationId = () => installation.id();
    return [
      settingsCheck(world),
      dataDirCheck(config),
      databaseCheck(installation),
      keyringCheck(secrets, installation),
      portsCheck(config, installationId),
      publicHostCheck({ publicHost: config.publicHost, installationId, now: systemClock.date() }),
      accountsCheck(installation, carrierCredentialChecks({ clock: systemClock, random: systemRandom })),
      gapsCheck(installation),
      speechCheck(world),
    ];
  },
};
