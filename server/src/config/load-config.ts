import { ENV_FILES, type Environment, mergeEnvironment } from './env-file.ts';
import { type ConfigReading, readConfig } from './read-config.ts';

export type LoadedConfig = ConfigReading & {
  /** The env files that were read, relative to the root. */
  readonly files: readonly string[];
};

/**
 * The configuration of this process: its environment, then the two files below `rootDir`. Mistakes of the files' form
 * and of the values are reported together.
 */
export function loadConfig(processEnv: Environment, rootDir: string): LoadedConfig {
  const { env, files, errors } = mergeEnvironment(processEnv, rootDir);
  const reading = readConfig(env);
  const mistakes = 'errors' in reading ? [...errors, ...reading.errors] : errors;
  return mistakes.length > 0 ? { errors: mistakes, files } : { ...reading, files };
}

/** The text an operator gets instead of a start. */
export function describeMistakes(errors: readonly string[]): string {
  const lines = errors.map((error) => `  - ${error}`).join('\n');
  return `The configuration has ${errors.length === 1 ? 'a mistake' : `${errors.length} mistakes`}:\n${lines}\nSettings are read from the environment, then ${ENV_FILES.join(', then ')}.`;
}
