import { openProviders } from '../../providers/index.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { type Check, ok, warn } from './check.ts';
import { QUIET, UNCOUNTED } from './installation.ts';
import type { DoctorWorld } from './topic.ts';

/** What calls hear and speak with. Nothing is started for it. */
export function speechCheck({ config, secrets, cacheDir, searchPath }: DoctorWorld): Check {
  return {
    name: 'speech',
    run: async () => {
      await using providers = openProviders({
        env: { openAi: { ...config.openAi, apiKey: secrets.openAiApiKey } },
        cacheDir,
        searchPath,
        clock: systemClock,
        log: QUIET,
        metrics: UNCOUNTED,
      });
      const lines = await providers.describe();
      return lines.map((line) => {
        const [, kind, wish] = /^([^:]*): none\. (.*)$/s.exec(line) ?? [];
        return wish === undefined ? ok(line) : warn(`${kind}: none`, wish);
      });
    },
  };
}
