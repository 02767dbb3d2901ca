import { mkdir, mkdtemp, readdir, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { findProgram, USUAL_SEARCH_PATH } from '../find-program.ts';
import { AptClient, type AptPackage } from './apt-client.ts';
import { startBatchEngine } from './batch-engine.ts';
import { cachedRoot, findPocketsphinx, type PocketsphinxInstallation } from './find-pocketsphinx.ts';
import { buildGrammar } from './grammar.ts';

export type InstallOptions = {
  readonly cacheDir: string;
  /** Folders of the system's programs, written like PATH. */
  readonly searchPath?: string | undefined;
  readonly clock: Clock;
  /** Gets lines for the person who waits. */
  readonly log: (line: string) => void;
};

/** pocketsphinx_batch, its US English model and the libraries that a small system lacks. Names that a release does not have
 *  (a library that was merged, or belongs to one machine type only) are skipped: what counts is that the program runs. */
const PACKAGES = [
  'pocketsphinx',
  'pocketsphinx-en-us',
  'libpocketsphinx3',
  'libsphinxbase3',
  'libsphinxbase3t64',
  'libblas3',
  'liblapack3',
  'libgfortran5',
  'libquadmath0',
] as const;
const NEEDED_PACKAGES = ['pocketsphinx', 'pocketsphinx-en-us'] as const;
/** 33 MB of packages, 48 MB unpacked, up to 25 MB of package lists (bookworm, amd64), and room to breathe. */
const NEEDED_BYTES = 200_000_000;
const TEST_SECONDS = 0.5;
const SAMPLE_RATE = 16_000;

/** Fetches local speech recognition into the cache folder: Debian's own packages, by Debian's own client, checked against
 *  Debian's signatures, without root and without touching the system. Does nothing when it is there already.
 *  @throws AppError not_configured on other systems, when the disk is full, or when the packages cannot be had. */
export async function installLocalSpeech(options: InstallOptions): Promise<PocketsphinxInstallation> {
  const { cacheDir, searchPath = USUAL_SEARCH_PATH } = options;
  const present = await findPocketsphinx({ cacheDir, searchPath });
  if (present) {
    options.log(`pocketsphinx is there already: ${present.program}`);
    return present;
  }
  const [apt, dpkg] = await Promise.all([findProgram('apt-get', searchPath), findProgram('dpkg-deb', searchPath)]);
  if (!apt || !dpkg)
    throw refusal(
      'this needs apt-get and dpkg-deb, so Debian, Ubuntu or one of their kind; elsewhere install pocketsphinx with its en-us model by the means of your system',
    );
  await mkdir(cacheDir, { recursive: true });
  await checkDisk(cacheDir);
  const staging = await mkdtemp(join(cacheDir, 'speech-install-'));
  try {
    const client = new AptClient(apt, dpkg, staging);
    const packages = await choosePackages(client, options.log);
    const root = join(staging, 'root');
    await fetchAndUnpack(client, packages, root);
    return await putInPlace(root, options);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function checkDisk(folder: string): Promise<void> {
  const disk = await statfs(folder);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes >= NEEDED_BYTES) return;
  throw refusal(
    `${folder} has ${megabytes(freeBytes)} free, and ${megabytes(NEEDED_BYTES)} are needed while installing`,
  );
}

/** From the system's package lists, or from fresh private ones where those are absent or stale. */
async function choosePackages(client: AptClient, log: InstallOptions['log']): Promise<readonly AptPackage[]> {
  let packages = await client.packages(PACKAGES);
  if (missingOf(packages).length > 0) {
    log('Reading the package lists of your Debian mirror (up to 25 MB) into the cache folder ...');
    await client.updatePrivateLists();
    packages = await client.packages(PACKAGES);
  }
  const missing = missingOf(packages);
  if (missing.length > 0)
    throw refusal(`apt-get finds no package ${missing.join(' and no ')} in the sources of this system`);
  const sizeBytes = packages.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  log(
    `Fetching ${packages.length} packages, ${megabytes(sizeBytes)}: ${packages.map((entry) => entry.name).join(', ')}`,
  );
  return packages;
}

async function fetchAndUnpack(client: AptClient, packages: readonly AptPackage[], root: string): Promise<void> {
  const names = packages.map((entry) => entry.name);
  try {
    await client.download(names);
  } catch {
    // The system's lists may name versions the mirror no longer has.
    await client.updatePrivateLists();
    await client.download(names);
  }
  await client.unpack(root);
}

/** Shows that it runs before it takes its place, so that a cache folder never holds a half or broken one. */
async function putInPlace(root: string, options: InstallOptions): Promise<PocketsphinxInstallation> {
  const trial = join(root, '..', 'trial');
  await mkdir(trial);
  await rename(root, cachedRoot(trial));
  const installation = await findPocketsphinx({ searchPath: '', cacheDir: trial });
  if (!installation)
    throw refusal(`the packages hold no pocketsphinx_batch with an en-us model (${await readdir(cachedRoot(trial))})`);
  await tryIt(installation, options.clock);
  await rm(cachedRoot(options.cacheDir), { recursive: true, force: true });
  await rename(cachedRoot(trial), cachedRoot(options.cacheDir));
  const installed = await findPocketsphinx({ searchPath: '', cacheDir: options.cacheDir });
  if (!installed) throw refusal(`${options.cacheDir} was changed by somebody else meanwhile: run this again`);
  options.log(`Local speech recognition is ready: ${installed.program}`);
  return installed;
}

/** Half a second of silence must be answered. */
async function tryIt(installation: PocketsphinxInstallation, clock: Clock): Promise<void> {
  const engine = await startBatchEngine(installation, clock);
  try {
    const fsg = buildGrammar(['yes', 'no'], () => true).fsg ?? '';
    await engine.run({ samples: new Int16Array(TEST_SECONDS * SAMPLE_RATE), fsg });
  } catch (cause) {
    throw new AppError('not_configured', {
      detail: `the fetched pocketsphinx does not run here: ${cause instanceof AppError ? cause.detail : cause}`,
      cause,
    });
  } finally {
    await engine.close();
  }
}

function missingOf(packages: readonly AptPackage[]): string[] {
  return NEEDED_PACKAGES.filter((name) => !packages.some((entry) => entry.name === name));
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}

function refusal(detail: string): AppError {
  return new AppError('not_configured', { detail });
}
