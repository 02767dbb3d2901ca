import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../core/errors.ts';

export type AptPackage = { readonly name: string; readonly sizeBytes: number };

const run = promisify(execFile);
const UPDATE_TIMEOUT_MS = 120_000;
const DOWNLOAD_TIMEOUT_MS = 600_000;
/** 'uri' file_version_arch.deb size hash (apt-get(8), --print-uris). */
const PRINTED_URI = /^'[^']+' (\S+\.deb) (\d+)/;

/** Debian's package client with all its writing turned into one folder of ours: no root, no lock, no change to the system. */
export class AptClient {
  readonly #apt: string;
  readonly #dpkg: string;
  readonly #folder: string;
  #hasPrivateLists = false;

  constructor(apt: string, dpkg: string, folder: string) {
    this.#apt = apt;
    this.#dpkg = dpkg;
    this.#folder = folder;
  }

  /** Those of `names` that the package lists know, with the size of their files. */
  async packages(names: readonly string[]): Promise<AptPackage[]> {
    const found: AptPackage[] = [];
    for (const name of names) {
      // One by one: a single unknown name makes apt-get refuse all.
      const printed = await this.#aptGet(['--print-uris', 'download', name]).catch(() => '');
      for (const line of printed.split('\n')) {
        const [, file, size] = PRINTED_URI.exec(line) ?? [];
        if (file?.startsWith(`${name}_`)) found.push({ name, sizeBytes: Number(size) });
      }
    }
    return found;
  }

  /** Fetches the package lists of the system's own sources; they are used from then on. */
  async updatePrivateLists(): Promise<void> {
    this.#hasPrivateLists = true;
    await mkdir(join(this.#folder, 'state', 'lists', 'partial'), { recursive: true });
    await this.#aptGet(['update'], UPDATE_TIMEOUT_MS);
  }

  /** Puts the .deb files into the folder, checked by apt against the signed lists. */
  async download(names: readonly string[]): Promise<void> {
    await this.#aptGet(['download', ...names], DOWNLOAD_TIMEOUT_MS);
  }

  /** Unpacks every .deb of the folder below `root`, running no script of any package. */
  async unpack(root: string): Promise<void> {
    await mkdir(root, { recursive: true });
    const files = (await readdir(this.#folder)).filter((name) => name.endsWith('.deb'));
    for (const file of files) await run(this.#dpkg, ['-x', join(this.#folder, file), root]);
  }

  async #aptGet(words: readonly string[], timeout = UPDATE_TIMEOUT_MS): Promise<string> {
    const cache = join(this.#folder, 'cache');
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    const options = [`Dir::Cache=${cache}`, 'Debug::NoLocking=1', 'APT::Sandbox::User='];
    if (this.#hasPrivateLists) {
      options.push(`Dir::State=${join(this.#folder, 'state')}`, 'Dir::State::status=/var/lib/dpkg/status');
    }
    try {
      const { stdout } = await run(this.#apt, ['-q', ...options.flatMap((option) => ['-o', option]), ...words], {
        cwd: this.#folder,
        timeout,
        maxBuffer: 16_000_000,
      });
      return stdout;
    } catch (cause) {
      const said = (cause as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? '';
      throw new AppError('not_configured', { detail: `apt-get ${words[0]} failed: ${said || cause}`, cause });
    }
  }
}
