import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where programs are on systems that have them, written like PATH, where the operator's PATH is not handed in. */
export const USUAL_SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

/** Looks a program up as a shell would: its full path, or null when no folder of `searchPath` (written like PATH) has it. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const folder of searchPath.split(delimiter)) {
    if (!folder) continue;
    const file = join(folder, name);
    if (await isProgram(file)) return file;
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
