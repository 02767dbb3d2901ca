import type { ParseArgsOptionsConfig } from 'node:util';
import type { Config } from '../../config/config.ts';
import type { Secrets } from '../../config/secrets.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Terminal } from '../terminal.ts';
import type { Check } from './check.ts';

/** What a topic may look at. */
export type DoctorWorld = {
  readonly config: Config;
  readonly secrets: Secrets;
  /** What reading the settings had to say. */
  readonly warnings: readonly string[];
  readonly cacheDir: string;
  /** PATH */
  readonly searchPath: string;
  /** For passwords: they are asked for, never taken as arguments. */
  readonly terminal: Terminal;
  readonly log: EventLog;
};

/** As `parseArgs` of node:util gives them. */
export type DoctorOptions = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** What `npm start -- doctor <word>` looks at. */
export type DoctorTopic = {
  /** Empty: `doctor` alone. */
  readonly word: string;
  /** Its lines of the help text, after `npm start -- `. */
  readonly help: readonly (readonly [words: string, what: string])[];
  readonly options: ParseArgsOptionsConfig;
  /** The checks, in the order they run in. What they share is opened on `stack`. @throws AppError invalid_parameters for options that do not fit. */
  checks(
    world: DoctorWorld,
    options: DoctorOptions,
    stack: AsyncDisposableStack,
  ): readonly Check[] | Promise<readonly Check[]>;
};
