import { access, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram } from '../find-program.ts';

/** The parts of one pocketsphinx: program, where its libraries lie if not with the system's, acoustic model, dictionary. */
export type PocketsphinxInstallation = {
  readonly program: string;
  /** For LD_LIBRARY_PATH; empty for the system's own. */
  readonly libraryFolders: readonly string[];
  readonly acousticModel: string;
  readonly dictionary: string;
  readonly origin: 'system' | 'cache';
};

const PROGRAM = 'pocketsphinx_batch';

export type PocketsphinxPlaces = {
  /** Folders of the system's programs, written like PATH. */
  readonly searchPath: string;
  readonly cacheDir: string;
};

/** Where `installLocalSpeech` puts what it fetched. */
export function cachedRoot(cacheDir: string): string {
  return join(cacheDir, 'pocketsphinx');
}

/** Looks for pocketsphinx and its US English model, first in the system, then in the project's cache folder. Null when there is none. */
export async function findPocketsphinx(places: PocketsphinxPlaces): Promise<PocketsphinxInstallation | null> {
  const system = await findProgram(PROGRAM, places.searchPath);
  if (system) {
    const installed = await installationAt(dirname(dirname(dirname(system))), system);
    if (installed) return { ...installed, libraryFolders: [], origin: 'system' };
  }
  const root = cachedRoot(places.cacheDir);
  const cached = await findProgram(PROGRAM, join(root, 'usr', 'bin'));
  if (!cached) return null;
  const installed = await installationAt(root, cached);
  return installed && { ...installed, libraryFolders: await libraryFoldersOf(root), origin: 'cache' };
}

async function installationAt(
  root: string,
  program: string,
): Promise<Pick<PocketsphinxInstallation, 'program' | 'acousticModel' | 'dictionary'> | null> {
  const model = join(root, 'usr', 'share', 'pocketsphinx', 'model', 'en-us');
  const acousticModel = join(model, 'en-us');
  const dictionary = join(model, 'cmudict-en-us.dict');
  try {
    await Promise.all([access(join(acousticModel, 'mdef')), access(dictionary)]);
    return { program, acousticModel, dictionary };
  } catch {
    return null;
  }
}

/** Debian keeps libraries in usr/lib/<machine>; BLAS and LAPACK in folders of their own, which only a maintainer script links. */
async function libraryFoldersOf(root: string): Promise<string[]> {
  const lib = join(root, 'usr', 'lib');
  const machines = (await readdir(lib)).filter((name) => name.includes('-linux-'));
  return machines.flatMap((machine) => ['', 'blas', 'lapack'].map((folder) => join(lib, machine, folder)));
}
