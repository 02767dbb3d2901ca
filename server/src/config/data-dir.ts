import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './env-file.ts';

/** The facts about this machine that defaults depend on. */
export type Machine = {
  readonly platform: NodeJS.Platform;
  /** null where there are none (Windows). */
  readonly uid: number | null;
  readonly homeDir: string;
};

export function thisMachine(): Machine {
  return { platform: process.platform, uid: process.getuid?.() ?? null, homeDir: homedir() };
}

const NAME = 'assistant-api';

/**
 * Where data goes when DATA_DIR is unset: the system's folder for a user's data (XDG Base Directory Specification 0.8;
 * a relative XDG_DATA_HOME counts as unset, as there), and /var/lib under uid 0.
 */
export function defaultDataDir(env: Environment, machine: Machine): string {
  if (machine.uid === 0) return join('/var/lib', NAME);
  if (machine.platform === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(machine.homeDir, 'AppData', 'Local'), NAME);
  }
  const xdg = env['XDG_DATA_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, NAME);
  if (machine.platform === 'darwin') return join(machine.homeDir, 'Library', 'Application Support', NAME);
  return join(machine.homeDir, '.local', 'share', NAME);
}

/** DATA_DIR as written, `~/` meaning the home folder, made absolute. */
export function parseDataDir(text: string, machine: Machine): string {
  return resolve(text === '~' || text.startsWith('~/') ? join(machine.homeDir, text.slice(1)) : text);
}
