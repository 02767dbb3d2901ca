import { type Environment, stripComment } from './env-file.ts';
import { SettingMistake } from './setting-values.ts';
import { SETTINGS, type Setting, type SettingName } from './settings.ts';

/** Reads settings one by one and collects what is wrong, so that all mistakes are told at once. */
export class SettingReader {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The text of a setting, its comment cut off; null when unset or empty. */
  text(name: SettingName): string | null {
    const value = this.#env[name] ?? '';
    const { isFreeText }: Setting = SETTINGS[name];
    return (isFreeText ? value.trim() : stripComment(value)) || null;
  }

  /** The parsed value, or `fallback` when unset; a mistake is noted and the fallback stands in for the rest of the reading. */
  read<Value, Fallback>(name: SettingName, fallback: Fallback, parse: (text: string) => Value): Value | Fallback {
    const text = this.text(name);
    if (text === null) return fallback;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof SettingMistake)) throw error;
      this.mistake(name, error.message);
      return fallback;
    }
  }

  /** Notes a mistake in one setting, with what would be right. */
  mistake(name: SettingName, message: string): void {
    const { example, isSecret }: Setting = SETTINGS[name];
    const value = isSecret ? '' : `=${this.text(name) ?? ''}`;
    this.errors.push(`${name}${value} ${message}; set for example ${name}=${example}`);
  }

  /** Two settings that make sense only together. Returns both values, or null when neither is set. */
  pair(first: SettingName, second: SettingName): readonly [string, string] | null {
    const [one, two] = [this.text(first), this.text(second)];
    if (one !== null && two !== null) return [one, two];
    if (one !== null) this.errors.push(`${first} is set and ${second} is not: set both, or neither`);
    if (two !== null) this.errors.push(`${second} is set and ${first} is not: set both, or neither`);
    return null;
  }
}
