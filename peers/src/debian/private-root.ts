import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.ts';
import { runProgram, tryProgram } from '../run-program.ts';
import { DEBIAN_KEYRING, DebianPackageMissing, debianMirror, requireApt } from './apt.ts';

const MACHINES: Readonly<Record<string, { readonly triplet: string; readonly loader: string }>> = {
  x64: { triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};
const TOP_FOLDERS = ['bin', 'sbin', 'lib', 'lib64'] as const;
const LEFT_OUT = ['./usr/share/doc/*', './usr/share/man/*', './usr/share/locale/*'];
const COMPLETE = '.complete';

/** Debian packages unpacked beside each other in a folder of ours, with every library they need. */
export type PrivateRoot = {
  readonly path: string;
  /** Its folder of libraries. */
  readonly libraries: string;
  /** How to run a program of it: through its own dynamic loader, so the system's libc is never met. */
  readonly command: (program: string) => readonly string[];
};

/**
 * Fetches packages of a Debian suite with a private apt (signatures checked) and unpacks them: neither root nor container.
 * Whatever is there already is taken as it is. @throws DebianPackageMissing when the suite does not offer one of them.
 */
export async function privateRoot(suite: string, packages: readonly string[]): Promise<PrivateRoot> {
  const path = cacheFolder(`debian-${suite}-${packages.join('-')}`);
  if (!existsSync(join(path, COMPLETE))) await fill(path, suite, packages);
  return open(path);
}

async function fill(path: string, suite: string, packages: readonly string[]): Promise<void> {
  await requireApt();
  // Of its own per process, and moved into place whole: two runs at once do not meet.
  const work = `${path}.${process.pid}`;
  await rm(work, { recursive: true, force: true });
  try {
    const debs = await download(join(work, 'apt'), suite, packages);
    await unpack(join(work, 'root'), debs);
    await writeFile(join(work, 'root', COMPLETE), `${packages.join(' ')} of ${suite}\n`);
    await rename(join(work, 'root'), path).catch((error: unknown) => {
      if (!existsSync(join(path, COMPLETE))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(apt: string, suite: string, packages: readonly string[]): Promise<string[]> {
  for (const folder of ['etc', 'state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(apt, folder), { recursive: true });
  }
  // An empty system: every library is taken from the suite itself.
  await writeFile(join(apt, 'state/status'), '');
  const source = { URIs: await debianMirror(), Suites: suite, Components: 'main', 'Signed-By': DEBIAN_KEYRING };
  const stanza = ['Types: deb', ...Object.entries(source).map(([key, value]) => `${key}: ${value}`)];
  await writeFile(join(apt, 'etc/only.sources'), `${stanza.join('\n')}\n`);
  await writeFile(join(apt, 'apt.conf'), aptConf(apt));
  const env = { APT_CONFIG: join(apt, 'apt.conf') };
  await runProgram(['apt-get', '-qq', 'update'], { env });
  const { exitCode, stderr } = await tryProgram(['apt-get', '-qq', '-y', '--download-only', 'install', ...packages], {
    env,
  });
  if (exitCode !== 0) {
    throw new DebianPackageMissing(
      `Debian ${suite} does not give ${packages.join(', ')} today: ${stderr.trim().slice(-400)}`,
    );
  }
  const archives = join(apt, 'cache/archives');
  return (await readdir(archives)).filter((name) => name.endsWith('.deb')).map((name) => join(archives, name));
}

function aptConf(apt: string): string {
  return `Dir::Etc::sourcelist "${apt}/etc/only.sources";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "${apt}/etc";
Dir::State "${apt}/state";
Dir::State::status "${apt}/state/status";
Dir::Cache "${apt}/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
`;
}

async function unpack(root: string, debs: readonly string[]): Promise<void> {
  for (const name of TOP_FOLDERS) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
  const excludes = LEFT_OUT.map((pattern) => `--exclude='${pattern}'`).join(' ');
  const line = `dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --no-same-owner ${excludes} -f -`;
  for (const deb of debs) await runProgram(['sh', '-c', line, 'unpack', deb, root]);
}

function open(path: string): PrivateRoot {
  const machine = MACHINES[process.arch];
  if (!machine) throw new DebianPackageMissing(`no private Debian programs on ${process.arch}, only x64 and arm64`);
  const libraries = join(path, 'usr/lib', machine.triplet);
  const loader = join(libraries, machine.loader);
  return {
    path,
    libraries,
    command: (program) => [loader, '--library-path', `${libraries}:${libraries}/asterisk`, findIn(path, program)],
  };
}

function findIn(path: string, program: string): string {
  const file = ['usr/sbin', 'usr/bin'].map((folder) => join(path, folder, program)).find((name) => existsSync(name));
  if (!file) throw new DebianPackageMissing(`no program ${program} in ${path}`);
  return file;
}
