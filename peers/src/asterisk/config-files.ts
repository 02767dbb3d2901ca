import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TEMPLATES = join(import.meta.dirname, '..', '..', 'asterisk', 'etc');
const RUN_FOLDERS = ['etc', 'log', 'spool', 'lib', 'db', 'keys', 'rec'] as const;
/** Asterisk warns when these are absent, and what it takes for granted without them is right. */
const EMPTY_FILES = [
  'cdr',
  'cel',
  'features',
  'acl',
  'udptl',
  'pjproject',
  'ccss',
  'indications',
  'musiconhold',
  'stasis',
];

/**
 * Writes the configuration of one run from peers/asterisk/etc, `others` in place of its files or beside them, each @NAME@
 * replaced. @throws Error for a name without value.
 */
export async function writeConfigFiles(
  runFolder: string,
  values: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const name of RUN_FOLDERS) await mkdir(join(runFolder, name), { recursive: true });
  const etc = join(runFolder, 'etc');
  for (const name of EMPTY_FILES) await writeFile(join(etc, `${name}.conf`), '');
  for (const file of await readdir(TEMPLATES)) {
    if (others[file] !== undefined) continue;
    await writeFile(join(etc, file), filled(await configTemplate(file), values, file));
  }
  for (const [file, text] of Object.entries(others)) await writeFile(join(etc, file), filled(text, values, file));
}

/** One file of peers/asterisk/etc as it stands there. */
export function configTemplate(file: string): Promise<string> {
  return readFile(join(TEMPLATES, file), 'utf8');
}

function filled(template: string, values: Readonly<Record<string, string>>, file: string): string {
  return template.replace(/@([A-Z_]+)@/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${file} needs a value for @${name}@`);
    return value;
  });
}
